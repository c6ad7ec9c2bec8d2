//! gRPC says what the process itself says.

use std::sync::Arc;

use futures::StreamExt as _;
use goticket_admission::{WaitingRoomService, grpc_router};
use goticket_domain::queue::entry_rules::{CodeKind, NewCodes};
use goticket_domain::queue::{
    AutoChange, AutoLimits, Challenge, CodeRule, ControlChange, EntryChange, EntryRefusal, Health, JoinPass, JoinedPlace,
    QueueError, RenewedTicket, RoomSettings, RoomState, WaitingRoom,
};
use goticket_domain::{AccountId, EventId};
use goticket_platform::http;
use goticket_platform::shutdown::Shutdown;
use jiff::SignedDuration;
use tonic::transport::Endpoint;

use crate::groups;
use crate::grpc_client::Client;
use crate::world::{World, fans, generous, on_sale};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Serves a replica over gRPC; returns a client of it with the secret given.
async fn serve(room: &Arc<WaitingRoomService>, shown: &str) -> (Client, Shutdown) {
    let shutdown = Shutdown::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let room: Arc<dyn WaitingRoom> = Arc::clone(room) as _;
    let router = grpc_router(room, &SECRET.to_owned().into(), shutdown.token());
    let drain = std::time::Duration::from_secs(5);
    shutdown.spawn_fallible("grpc", http::serve(listener, router, shutdown.token(), drain));
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    (Client { channel, secret: shown.to_owned() }, shutdown)
}

#[tokio::test]
async fn both_adapters_give_the_same_answers_and_refusals() {
    let world = World::new().await;
    let local = world.replica();
    let (remote, _shutdown) = serve(&local, SECRET).await;
    let (local, remote): (&dyn WaitingRoom, &dyn WaitingRoom) = (&*local, &remote);
    let room = world.replica();
    let open = world.on_sale(&room, &RoomSettings { active_cap: 1, ..generous() }).await;
    let lobby = world.lobby(&room, &generous()).await;
    let scheduled = world.publish(&generous(), 3_600, 7_200).await;
    let closed = world.on_sale(&room, &generous()).await;
    let all = fans(4);
    let mut tickets = Vec::new();
    for fan in &all {
        tickets.push(room.join(open, *fan).await.unwrap().signed);
    }
    let waits = room.join(lobby, all[0]).await.unwrap().signed;
    world.set(&room, closed, ControlChange { state: Some(RoomState::Closed), ..ControlChange::default() }).await;
    world.admit(&room, open).await;
    room.leave(open, all[3]).await.unwrap();

    // Joining: found again (its ticket is signed again), and every way of being refused.
    for event in [open, lobby, scheduled, closed, EventId::generate()] {
        let fresh = |joined: Result<JoinedPlace, QueueError>| {
            joined.map(|j| (j.existing, j.ticket.place, j.ticket.kind, j.receipt.map(|receipt| receipt.position)))
        };
        assert_eq!(fresh(local.join(event, all[0]).await), fresh(remote.join(event, all[0]).await));
    }
    // The draw: of a lobby that is closed, or open, or not there.
    let place = room.join(lobby, all[0]).await.unwrap().ticket.place;
    for event in [open, lobby, scheduled, EventId::generate()] {
        assert_eq!(local.draw(event).await, remote.draw(event).await);
        assert_eq!(local.lobby(event, 0).await, remote.lobby(event, 0).await);
        assert_eq!(local.proofs(event, place, Some(0)).await, remote.proofs(event, place, Some(0)).await);
    }
    // Places: admitted, in line, gone, undrawn, of a foreign ticket, of no ticket, unknown.
    let places = [
        (open, all[0], &tickets[0]),
        (open, all[1], &tickets[1]),
        (open, all[3], &tickets[3]),
        (lobby, all[0], &waits),
        (open, all[2], &tickets[1]),
        (open, all[2], &String::new()),
        (closed, all[0], &tickets[0]),
    ];
    for (event, fan, ticket) in places {
        assert_eq!(local.place(event, fan, ticket).await, remote.place(event, fan, ticket).await);
        let renewed = |renewed: Result<RenewedTicket, QueueError>| renewed.map(|renewed| renewed.ticket.kind);
        assert_eq!(renewed(local.renew(event, fan, ticket).await), renewed(remote.renew(event, fan, ticket).await));
        let (one, other) = (local.claim(event, fan, ticket).await, remote.claim(event, fan, ticket).await);
        assert_eq!(one.map(|c| c.expires_at), other.map(|c| c.expires_at));
    }
    assert_eq!(local.place(open, all[0], &tickets[0]).await, remote.place(open, all[0], &tickets[0]).await, "inside");
    // Controls and the log.
    let auto = |low_per_min, high_per_min| Some(AutoChange::Between(AutoLimits { low_per_min, high_per_min }));
    world.pipeline_says(Some(Health { queue_age_ms: 1, commit_ms: 2, errors_per_million: 3 })).await;
    for event in [open, scheduled, closed, EventId::generate()] {
        assert_eq!(local.control(event).await, remote.control(event).await);
        assert_eq!(local.log(event, None, 10).await, remote.log(event, None, 10).await);
        for change in [
            ControlChange { burst: Some(0), ..ControlChange::default() },
            ControlChange { state: Some(RoomState::Scheduled), reason: "no".into(), ..ControlChange::default() },
            ControlChange { burst: Some(1), if_revision: Some(17), ..ControlChange::default() },
            ControlChange { message: Some("hello".into()), reason: "yes".into(), ..ControlChange::default() },
            ControlChange { auto: auto(60, 6_000), ..ControlChange::default() },
            ControlChange { auto: auto(61, 60), ..ControlChange::default() },
            ControlChange { auto: Some(AutoChange::Off), ..ControlChange::default() },
        ] {
            assert_eq!(local.what_if(event, change.clone()).await, remote.what_if(event, change.clone()).await);
            let one = local.set_control(event, change.clone(), world.operator).await;
            assert_eq!(one, remote.set_control(event, change, world.operator).await);
        }
    }
    assert_eq!(remote.leave(open, all[0]).await, local.leave(open, all[0]).await);
    assert_eq!(remote.leave(EventId::generate(), all[0]).await, local.leave(EventId::generate(), all[0]).await);
}

#[tokio::test]
async fn who_may_enter_is_decided_the_same_over_grpc() {
    let (world, room, event) = on_sale(&generous()).await;
    let (remote, _shutdown) = serve(&room, SECRET).await;
    let (local, remote): (&dyn WaitingRoom, &dyn WaitingRoom) = (&*room, &remote);
    let fan = fans(1)[0];
    assert_eq!(remote.challenge(event, fan).await, Ok(None));
    let entry = EntryChange { proof_of_work: Some(1_000), ..EntryChange::default() };
    let change = ControlChange { entry, reason: "a test".into(), ..ControlChange::default() };
    assert_eq!(remote.set_control(event, change, world.operator).await.unwrap().settings.entry.proof_of_work, 1_000);
    for event in [event, EventId::generate()] {
        let cost = |told: Result<Option<Challenge>, QueueError>| told.map(|told| told.map(|challenge| challenge.maxnumber));
        assert_eq!(cost(local.challenge(event, fan).await), cost(remote.challenge(event, fan).await));
    }
    let faults = [None, Some("bm8=".to_owned())].map(|proof| JoinPass { proof, ..JoinPass::default() });
    for pass in &faults {
        let fault = |joined: Result<JoinedPlace, QueueError>| match joined {
            Err(QueueError::Entry(EntryRefusal::Proof { fault, .. })) => fault,
            other => panic!("{other:?}"),
        };
        assert_eq!(fault(local.join_with(event, fan, pass).await), fault(remote.join_with(event, fan, pass).await));
    }
    let proof = remote.challenge(event, fan).await.unwrap().unwrap().solve();
    assert!(!remote.join_with(event, fan, &JoinPass { proof, ..JoinPass::default() }).await.unwrap().existing);
    assert!(local.join(event, fan).await.unwrap().existing);

    let entry = EntryChange { proof_of_work: Some(0), code: Some(CodeRule::Code { until: None }), ..EntryChange::default() };
    let change = ControlChange { entry, reason: "a test".into(), ..ControlChange::default() };
    assert_eq!(remote.set_control(event, change, world.operator).await, local.control(event).await);
    let valid_until = world.now().await + SignedDuration::from_hours(1);
    let new =
        |codes| NewCodes { kind: CodeKind::Invite, codes, uses: 1, valid_from: None, valid_until, reason: "a test".to_owned() };
    let made = remote.make_codes(event, new(2), world.operator).await.unwrap();
    assert_eq!((made.codes.len(), made.batch.kind), (2, CodeKind::Invite));
    assert_eq!(remote.make_codes(event, new(0), world.operator).await, local.make_codes(event, new(0), world.operator).await);
    let pass = |code: &str| JoinPass { code: Some(code.to_owned()), ..JoinPass::default() };
    let other = AccountId::generate();
    assert!(!remote.join_with(event, other, &pass(&made.codes[0])).await.unwrap().existing);
    for (fan, shown) in [(other, "none"), (fans(1)[0], made.codes[0].as_str()), (fans(1)[0], "none")] {
        let (one, two) = (local.join_with(event, fan, &pass(shown)).await, remote.join_with(event, fan, &pass(shown)).await);
        assert_eq!(one.unwrap_err(), two.unwrap_err());
    }
    assert_eq!(remote.code_batches(event).await, local.code_batches(event).await);
    for code in [made.codes[0].as_str(), "none"] {
        assert_eq!(remote.code(event, code).await, local.code(event, code).await);
        let revoked = remote.revoke_code(event, code, world.operator, "a test").await;
        assert_eq!(revoked, local.revoke_code(event, code, world.operator, "a test").await);
    }
}

#[tokio::test]
async fn groups_are_the_same_over_grpc() {
    let (world, room, event) = groups::lobby(2).await;
    let (remote, _shutdown) = serve(&room, SECRET).await;
    let (local, remote): (&dyn WaitingRoom, &dyn WaitingRoom) = (&*room, &remote);
    let all = fans(2);
    assert_eq!(remote.group(event, all[0]).await, local.group(event, all[0]).await);
    assert_eq!(remote.make_group(event, all[0]).await, local.make_group(event, all[0]).await);
    let (lead, led, code) = groups::leader(remote, event).await;
    let joined = groups::enter(remote, event, all[0], &code).await.unwrap();
    assert_eq!((joined.ticket.place, joined.existing), (led.ticket.place, false));
    for fan in [lead, all[0]] {
        assert_eq!(remote.group(event, fan).await, local.group(event, fan).await);
        assert_eq!(remote.make_group(event, fan).await, local.make_group(event, fan).await);
    }
    for (fan, code) in [(all[1], code.as_str()), (all[1], "nonsense")] {
        let (one, two) = (
            groups::enter(local, event, fan, code).await.unwrap_err(),
            groups::enter(remote, event, fan, code).await.unwrap_err(),
        );
        assert_eq!(one, two);
    }
    let claimed = remote.claim(event, all[0], &joined.signed).await;
    assert_eq!(claimed.unwrap_err(), local.claim(event, all[0], &joined.signed).await.unwrap_err());
    remote.leave_group(event, lead).await.unwrap();
    assert_eq!(remote.group(event, all[0]).await, local.group(event, all[0]).await);
    for event in [event, EventId::generate()] {
        assert_eq!(remote.leave_group(event, lead).await, local.leave_group(event, lead).await);
    }

    let scheduled = world.publish(&generous(), 3_600, 7_200).await;
    let entry = EntryChange { groups: Some(4), ..EntryChange::default() };
    let change = ControlChange { entry, reason: "a test".into(), ..ControlChange::default() };
    assert_eq!(remote.set_control(scheduled, change.clone(), world.operator).await.unwrap().settings.entry.groups, 4);
    assert_eq!(remote.control(scheduled).await, local.control(scheduled).await);
    assert_eq!(
        remote.set_control(event, change.clone(), world.operator).await,
        local.set_control(event, change, world.operator).await
    );
}

#[tokio::test]
async fn boards_are_streamed_and_the_stream_ends_with_the_server() {
    let (world, room, event) = on_sale(&generous()).await;
    room.tick_once().await;
    let (remote, shutdown) = serve(&room, SECRET).await;
    let mut boards = remote.watch().await.unwrap();
    let board = boards.next().await.unwrap();
    assert_eq!((board.board.event, &board.board), (event, &world.board(&room, event).await));
    let local = room.watch().await.unwrap().next().await.unwrap();
    assert_eq!(board.json, local.json, "not one byte is changed on the way");
    shutdown.trigger();
    while boards.next().await.is_some() {}
    shutdown.drain(std::time::Duration::from_secs(10)).await.unwrap();
}

#[tokio::test]
async fn without_the_secret_nothing_is_answered() {
    let (_world, room, event) = on_sale(&generous()).await;
    for wrong in ["", "0123456789abcdef0123456789abcdee", "0123456789abcdef0123456789abcdef0"] {
        let (remote, _shutdown) = serve(&room, wrong).await;
        assert_eq!(remote.join(event, AccountId::generate()).await.unwrap_err(), QueueError::Unavailable);
        assert!(remote.watch().await.is_err());
    }
    assert_eq!(room.control(event).await.unwrap().waiting, 0);
}
