//! The draw: anyone can recompute it, and it survives whoever makes it.

use std::time::Duration;

use goticket_admission::WaitingRoomService;
use goticket_admission::outbound::redis::{Applied, Lines};
use goticket_domain::queue::draw::{merkle, participants};
use goticket_domain::queue::{
    ClaimedPlace, ControlChange, LobbyEntry, Location, Pivots, PlaceId, PlaceKind, PlaceTicket, QueueError, RoomState, Score,
    WaitingRoom, order,
};
use goticket_domain::{AccountId, EventId};
use goticket_draw::{Beacons, Fan, Stage, check};
use goticket_storage::queue_log;
use goticket_testkit::eventually;

use crate::world::{World, fans, generous, on_sale};

/// The line as it stands in Redis.
async fn line(world: &World, event: EventId) -> Vec<(PlaceId, u64)> {
    let line: Vec<(Vec<u8>, u64)> =
        world.ask("ZRANGE", &[world.names(event).line(), "0".into(), "-1".into(), "WITHSCORES".into()]).await;
    line.into_iter().map(|(place, score)| (PlaceId(place.try_into().unwrap()), score)).collect()
}

/// What anyone computes from the published record and list: the order, by scores. Nothing is wrong with them.
async fn recomputed(world: &World, room: &WaitingRoomService, event: EventId) -> Vec<(PlaceId, u64)> {
    let (record, entries) = (world.record(room, event).await, world.entries(room, event).await);
    let leaves: Vec<u8> = entries.iter().flat_map(LobbyEntry::leaf).collect();
    let verdict = check(&record, &leaves, &Beacons::known(), &Fan::default()).unwrap();
    assert_eq!(verdict.stage, Stage::Drawn);
    let order = order(&verdict.seed.unwrap(), participants(entries));
    order.into_iter().zip(0..).collect()
}

async fn lobby_of(world: &World, n: usize) -> (EventId, Vec<AccountId>, Vec<PlaceId>) {
    let room = world.replica();
    let event = world.lobby(&room, &generous()).await;
    let all = fans(n);
    let joined = futures::future::join_all(all.iter().map(|fan| room.join(event, *fan))).await;
    let places = joined.into_iter().map(|joined| joined.unwrap().ticket.place).collect();
    room.give_rooms_back().await;
    (event, all, places)
}

#[tokio::test]
async fn the_order_is_the_one_anyone_can_recompute_from_what_is_published() {
    let world = World::new().await;
    let (event, all, _) = lobby_of(&world, 200).await;
    let room = world.replica();
    room.tick_once().await;
    let before = world.board(&room, event).await;
    let told = before.draw.as_ref().unwrap();
    let record = world.record(&room, event).await;
    assert_eq!((&told.terms, told.seed), (&record.announced[0].terms, None));
    assert_eq!((before.waiting, &before.pivots, told.lobby.as_ref().unwrap().size), (200, &Pivots::default(), 200));
    assert_eq!((record.announced.len(), &record.closed, &record.outcome), (1, &None, &None));
    assert_eq!(room.lobby(event, 0).await, Err(QueueError::NotClosed));

    world.start_sale(&room, event).await;

    assert_eq!(line(&world, event).await, recomputed(&world, &room, event).await);
    room.refresh_rooms().await;
    world.empty_bucket(event).await;
    room.admit_all().await;
    let board = world.board(&room, event).await;
    let (shown, record) = (board.draw.unwrap(), world.record(&room, event).await);
    assert_eq!(board.state, RoomState::Open);
    assert_eq!((shown.lobby, shown.seed), (record.closed, record.outcome.map(|outcome| outcome.seed)));
    // The operators' log says the same, for ever.
    let log = world.control_log(event).await;
    let said: Vec<String> = log.iter().map(|entry| entry.change.clone()).collect();
    let what = ["draw_terms", "\"state\":[\"scheduled\",\"lobby\"]", "draw_terms", "\"lobby\":{\"", "\"draw\":{\""];
    assert!(said.len() == what.len() && said.iter().zip(what).all(|(said, what)| said.contains(what)), "{said:#?}");
    assert!(room.join(event, all[0]).await.unwrap().existing);
}

#[tokio::test]
async fn every_join_has_a_receipt_and_every_place_its_proofs() {
    let world = World::new().await;
    let room = world.replica();
    let event = world.lobby(&room, &generous()).await;
    let mut joined = Vec::new();
    for fan in fans(5) {
        joined.push((fan, room.join(event, fan).await.unwrap()));
    }
    room.tick_once().await;
    let early = world.board(&room, event).await.draw.unwrap();
    let again = room.join(event, joined[2].0).await.unwrap();
    assert_eq!(again.receipt.as_ref().unwrap().position, 2, "the place's, whenever it is asked for");
    room.leave(event, joined[4].0).await.unwrap();
    world.start_sale(&room, event).await;
    let late = room.join(event, AccountId::generate()).await.unwrap();
    room.tick_once().await;

    let record = world.record(&room, event).await;
    let entries = world.entries(&room, event).await;
    let leaves: Vec<u8> = entries.iter().flat_map(LobbyEntry::leaf).collect();
    let receipts = joined.iter().map(|(_, joined)| joined.receipt.clone().unwrap());
    let receipts = receipts.chain([again.receipt.unwrap(), late.receipt.unwrap()]).collect();
    let kept = Fan { receipts, boards: vec![early, world.board(&room, event).await.draw.unwrap()], ..Fan::default() };
    let verdict = check(&record, &leaves, &Beacons::known(), &kept).unwrap();
    assert_eq!((verdict.participants, verdict.late_receipts), (Some(4), 1));
    for (n, (fan, joined)) in joined.iter().enumerate() {
        let place = joined.ticket.place;
        let proofs = room.proofs(event, place, Some(n as u64)).await.unwrap();
        let rank = proofs.rank.as_ref().map(|rank| rank.index);
        let kept = Fan { place: Some(place), rank, proofs: Some(proofs), ..kept.clone() };
        check(&record, &leaves, &Beacons::known(), &kept).unwrap();
        // The ticket that says the rank is the one that is proved.
        let renewed = room.renew(event, *fan, &joined.signed).await;
        let expected = rank.ok_or(QueueError::NotInLine);
        assert_eq!(renewed.map(|renewed| renewed.ticket.kind), expected.map(|rank| PlaceKind::Drawn { rank }), "{n}");
    }
    let stranger = room.proofs(event, PlaceId([9; 16]), Some(99)).await.unwrap();
    assert_eq!((stranger.entry, stranger.rank), (None, None));
}

/// Only places of the list stand in the drawn part of the line, whoever can sign tickets.
#[tokio::test]
async fn a_forged_ticket_with_a_good_rank_gets_nowhere() {
    let world = World::new().await;
    let (event, _, _) = lobby_of(&world, 3).await;
    let room = world.replica();
    room.tick_once().await;
    world.start_sale(&room, event).await;
    let account = AccountId::generate();
    let place = PlaceId::of(&world.keys.place.event_key(event), account);
    let forged = PlaceTicket { place, event, account, kind: PlaceKind::Drawn { rank: 0 }, issued_at_ms: 0 };
    let signed = world.keys.place.sign(&forged);
    world.admit(&room, event).await;
    assert_eq!(world.board(&room, event).await.locate(&forged), Location::Turn);
    assert_eq!(room.claim(event, account, &signed).await, Err(QueueError::NotInLine));
    assert_eq!(room.place(event, account, &signed).await, Ok(ClaimedPlace::Gone));
    assert_eq!(room.renew(event, account, &signed).await, Err(QueueError::NotInLine));
}

#[tokio::test]
async fn nobody_has_a_place_number_before_the_draw() {
    let world = World::new().await;
    let (event, all, _) = lobby_of(&world, 3).await;
    let room = world.replica();
    room.tick_once().await;
    let joined = room.join(event, all[0]).await.unwrap();
    assert_eq!(room.place(event, all[0], &joined.signed).await, Err(QueueError::NotDrawn));
    assert_eq!(room.claim(event, all[0], &joined.signed).await, Err(QueueError::NotDrawn));
    assert_eq!(room.renew(event, all[0], &joined.signed).await, Err(QueueError::NotDrawn));
    assert_eq!(world.board(&room, event).await.locate(&joined.ticket), Location::Lobby { joined: 3 });
}

#[tokio::test]
async fn a_draw_that_was_killed_half_way_is_done_again_to_the_same_order() {
    let world = World::new().await;
    let (event, all, places) = lobby_of(&world, 50).await;
    // Killed after it had closed the lobby and put a part of some order in line.
    let lines = Lines::new(world.redis.clone());
    let closing = queue_log::close(&world.pool, event, world.epoch(event).await, 0).await.unwrap().unwrap();
    assert_eq!(lines.apply(event, &closing).await.unwrap(), Applied::Done);
    let half: Vec<_> = places[..20].iter().zip(0..).map(|(place, rank)| (*place, Score::drawn(rank).unwrap())).collect();
    assert!(lines.put_scores(event, 51, &half).await.unwrap());

    // Meanwhile one joins, one of the lobby asks, one leaves.
    let room = world.replica();
    room.tick_once().await;
    let late = room.join(event, AccountId::generate()).await.unwrap();
    assert_eq!(late.ticket.kind, PlaceKind::Late { sequence: 51 });
    let found = room.join(event, all[7]).await.unwrap();
    assert!(found.existing && found.ticket.kind == PlaceKind::Lobby);
    assert_eq!(room.place(event, all[7], &found.signed).await, Err(QueueError::NotDrawn));
    room.leave(event, all[8]).await.unwrap();
    let control = room.control(event).await.unwrap();
    assert_eq!((control.state, control.admitted), (RoomState::Lobby, 0));

    world.start_sale(&room, event).await;

    let left = room.join(event, all[8]).await.unwrap();
    let kind = PlaceKind::Late { sequence: 54 };
    assert_eq!((left.existing, left.ticket.kind), (false, kind), "they left before the draw was done");
    // Who left takes part: the list was closed before, and their rank stays empty.
    let mut expected = recomputed(&world, &room, event).await;
    assert_eq!(expected.len(), 50);
    expected.retain(|(place, _)| *place != left.ticket.place);
    expected.extend([(late.ticket.place, (1 << 52) + 51), (left.ticket.place, (1 << 52) + 54)]);
    assert_eq!(line(&world, event).await, expected);
    // What is filled from the log is the same.
    world.lose_redis(event).await;
    room.control(event).await.unwrap();
    assert_eq!(line(&world, event).await, expected);
}

#[tokio::test]
async fn a_draw_whose_replica_died_after_its_commit_is_taken_over_by_whoever_looks_next() {
    let world = World::new().await;
    let (event, _, _) = lobby_of(&world, 10).await;
    let room = world.replica();
    room.tick_once().await;
    let before = world.remember_redis(event).await;
    world.start_sale(&room, event).await;
    // Redis as it was between the commit and what came after.
    world.redis_goes_back(event, &before).await;

    let other = world.replica();
    other.control(event).await.unwrap();
    assert_eq!(line(&world, event).await, recomputed(&world, &other, event).await);
    assert!(matches!(other.join(event, AccountId::generate()).await.unwrap().ticket.kind, PlaceKind::Late { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_at_the_same_time_draw_once() {
    let world = World::new().await;
    let (event, _, _) = lobby_of(&world, 100).await;
    world.sale_is_due(event).await;
    let replicas: Vec<_> = (0..4).map(|_| world.replica()).collect();
    let at_once = replicas.iter().map(async |room| {
        room.share_rooms().await;
        room.refresh_rooms().await;
        room.keep_schedule().await;
    });
    futures::future::join_all(at_once).await;
    assert_eq!(world.room(event).await.state, RoomState::Open);
    assert_eq!(line(&world, event).await, recomputed(&world, &replicas[0], event).await);
    let log = replicas[0].log(event, None, 10).await.unwrap();
    assert_eq!(log.len(), 5, "announced with the event and as its start moved, opened, closed and drawn once: {log:?}");
}

#[tokio::test]
async fn an_owner_that_comes_late_to_a_step_leaves_the_next_one_alone() {
    let world = World::new().await;
    let one = world.replica();
    let event = world.publish(&generous(), -60, 3_600).await;
    one.share_rooms().await;
    one.refresh_rooms().await;
    let late = world.successor().await;
    late.tick_once().await;
    assert_eq!(world.room(event).await.state, RoomState::Lobby, "the draw is not due");
    one.keep_schedule().await;
    assert_eq!(world.room(event).await.state, RoomState::Lobby);
    assert_eq!(one.log(event, None, 10).await.unwrap().len(), 2, "announced and opened");
}

#[tokio::test]
async fn an_operator_who_opens_the_lobby_early_draws_its_order() {
    let world = World::new().await;
    let (event, all, _) = lobby_of(&world, 20).await;
    let room = world.replica();
    room.tick_once().await;
    let change = ControlChange { state: Some(RoomState::Open), reason: "doors are early".into(), ..ControlChange::default() };
    world.set(&room, event, change).await;
    assert_eq!(line(&world, event).await, recomputed(&world, &room, event).await);
    let first = room.join(event, all[0]).await.unwrap();
    assert!(matches!(room.place(event, all[0], &first.signed).await, Ok(ClaimedPlace::Waiting { .. })));
}

#[tokio::test]
async fn an_early_opening_that_its_caller_gave_up_is_finished_by_the_schedule() {
    let world = World::new().await;
    let (event, _, _) = lobby_of(&world, 3_000).await;
    let (room, operator) = (world.replica(), world.operator);
    room.tick_once().await;
    let change = ControlChange { state: Some(RoomState::Open), reason: "doors are early".into(), ..ControlChange::default() };
    let caller = room.clone();
    let call = tokio::spawn(async move { caller.set_control(event, change, operator).await });
    while world.room(event).await.log.closed_at.is_none() {
        tokio::task::yield_now().await;
    }
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled(), "in the middle of the draw");
    assert_eq!(world.room(event).await.state, RoomState::Lobby);

    let other = world.successor().await;
    eventually("another replica draws", Duration::from_secs(20), || async {
        other.tick_once().await;
        (world.room(event).await.state == RoomState::Open).then_some(())
    })
    .await;
    assert_eq!(recomputed(&world, &other, event).await.len(), 3_000);
    let log = other.log(event, None, 10).await.unwrap();
    let [drawn, closed, announced, opened, ..] = log.as_slice() else { panic!("{log:?}") };
    assert_eq!([drawn, closed, announced].map(|entry| entry.actor), [None; 3], "{log:?}");
    assert_eq!((opened.actor, opened.reason.as_str()), (Some(operator), "doors are early"), "{log:?}");
    assert!(opened.change.contains("onsale_at") && announced.change.contains("draw_terms"), "{log:?}");
}

#[tokio::test]
async fn an_early_opening_begins_the_sale_for_bookings_too() {
    let world = World::new().await;
    let room = world.replica();
    // Also where the lobby itself was opened before its time.
    let event = world.publish(&generous(), 3_600, 7_200).await;
    room.tick_once().await;
    for state in [RoomState::Lobby, RoomState::Open] {
        world.set(&room, event, ControlChange { state: Some(state), reason: "early".into(), ..ControlChange::default() }).await;
    }
    let now = world.room(event).await;
    assert_eq!(now.state, RoomState::Open);
    assert!(now.onsale_at <= now.read_at && now.lobby_opens_at <= now.onsale_at, "{now:?}");
}

#[tokio::test]
async fn an_empty_lobby_is_drawn_too() {
    let (world, room, event) = on_sale(&generous()).await;
    assert_eq!(recomputed(&world, &room, event).await, []);
    assert_eq!(world.record(&room, event).await.closed.unwrap().root, merkle::root(&[]));
}
