//! Operators: states, limits, and the log no one can change afterwards.

use std::time::Duration;

use goticket_domain::queue::{
    AutoChange, AutoLimits, BrokenControlLog as Broken, ControlChange, QueueError, RoomState, WaitingRoom, verify_control_log,
};
use goticket_domain::{AccountId, EventId};
use goticket_testkit::{Link, TestBed, eventually};

use crate::world::{World, fans, generous, on_sale};

const SOON: Duration = Duration::from_secs(20);

fn to(state: RoomState) -> ControlChange {
    ControlChange { state: Some(state), reason: "test".into(), ..ControlChange::default() }
}

fn between(low_per_min: u32, high_per_min: u32) -> ControlChange {
    ControlChange { auto: Some(AutoChange::Between(AutoLimits { low_per_min, high_per_min })), ..ControlChange::default() }
}

/// Entries of a room that is on sale: its draw was announced, the lobby opened, the sale's start moved, the lobby closed and drawn.
const OPENED: usize = 5;

#[tokio::test]
async fn paused_takes_in_and_admits_nobody_draining_the_other_way_round_closed_neither() {
    let (world, room, event) = on_sale(&generous()).await;
    let fan = AccountId::generate();
    room.join(event, fan).await.unwrap();

    world.set(&room, event, to(RoomState::Paused)).await;
    world.admit(&room, event).await;
    room.join(event, AccountId::generate()).await.unwrap();
    let control = room.control(event).await.unwrap();
    assert_eq!((control.waiting, control.admitted), (2, 0));

    world.set(&room, event, to(RoomState::Draining)).await;
    let refused = QueueError::ClosedToJoins { state: RoomState::Draining };
    assert_eq!(room.join(event, AccountId::generate()).await.unwrap_err(), refused);
    assert!(room.join(event, fan).await.unwrap().existing, "who is in line is");
    world.admit(&room, event).await;
    assert_eq!(room.control(event).await.unwrap().admitted, 2);

    let ticket = room.join(event, fan).await.unwrap().signed;
    room.claim(event, fan, &ticket).await.unwrap();
    world.set(&room, event, to(RoomState::Closed)).await;
    let refused = QueueError::ClosedToJoins { state: RoomState::Closed };
    assert_eq!(room.join(event, fan).await.unwrap_err(), refused);
    assert_eq!(room.claim(event, fan, &ticket).await.unwrap_err(), refused);
    room.tick_once().await;
    assert_eq!(world.ask::<u64>("EXISTS", &[world.names(event).room(), world.names(event).sessions()]).await, 0);
    assert_eq!(world.board(&room, event).await.state, RoomState::Closed);
}

#[tokio::test]
async fn what_is_not_allowed_is_refused_by_field_and_changes_nothing() {
    let (world, room, event) = on_sale(&generous()).await;
    let rows = [
        ("state", to(RoomState::Lobby)),
        ("burst", ControlChange { burst: Some(0), ..ControlChange::default() }),
        ("auto", between(0, 600)),
        ("auto", between(700, 600)),
        ("session_s", ControlChange { rate_per_min: Some(1), session_s: Some(29), ..ControlChange::default() }),
        ("message", ControlChange { message: Some("x".repeat(501)), ..ControlChange::default() }),
        ("reason", ControlChange { rate_per_min: Some(1), reason: "two\nlines".into(), ..ControlChange::default() }),
    ];
    let before = (room.control(event).await.unwrap(), room.log(event, None, 10).await.unwrap());
    for (expected, change) in rows {
        let refused = room.set_control(event, change, world.operator).await.unwrap_err();
        assert!(matches!(&refused, QueueError::BadControl { field, .. } if field == expected), "{refused:?}");
    }
    assert_eq!((room.control(event).await.unwrap(), room.log(event, None, 10).await.unwrap()), before);
    let unknown = room.set_control(EventId::generate(), to(RoomState::Paused), world.operator).await;
    assert_eq!(unknown.unwrap_err(), QueueError::UnknownEvent);
}

#[tokio::test]
async fn a_change_holds_on_every_replica_and_is_logged_with_who_and_why() {
    let world = World::new().await;
    let (room, other) = (world.replica(), world.replica());
    let event = world.on_sale(&room, &generous()).await;
    let change = ControlChange {
        rate_per_min: Some(30),
        message: Some("slow today".into()),
        reason: "checkout is slow".into(),
        ..ControlChange::default()
    };
    world.set(&room, event, change.clone()).await;
    world.set(&room, event, change).await;
    room.tick_once().await;
    other.tick_once().await;
    let board = world.board(&other, event).await;
    assert_eq!((board.rate_per_min, board.message.as_str()), (30, "slow today"));
    let log = other.log(event, None, 10).await.unwrap();
    assert_eq!(log.len(), OPENED + 1, "one change: doing it again changes nothing");
    assert_eq!(
        (log[0].number, log[0].actor, log[0].reason.as_str()),
        (OPENED as u64 + 1, Some(world.operator), "checkout is slow")
    );
    assert_eq!(log[0].change, r#"{"message":["","slow today"],"rate_per_min":[600000,30]}"#);
    assert_eq!((log[1].actor, log[2].actor), (None, None));
}

#[tokio::test]
async fn the_log_is_a_chain_that_shows_every_tampering() {
    let (world, room, event) = on_sale(&generous()).await;
    for rate in [1, 2, 3] {
        let reason = format!("“{rate}” is \"enough\"");
        world.set(&room, event, ControlChange { rate_per_min: Some(rate), reason, ..ControlChange::default() }).await;
    }
    room.tick_once().await;
    let shown = world.board(&room, event).await.control_log;
    let entries = world.control_log(event).await;
    assert_eq!((entries.len(), verify_control_log(event, &entries, &shown)), (OPENED + 3, Ok(shown.clone())));
    let other = verify_control_log(EventId::generate(), &entries, &shown);
    assert_eq!(other, Err(Broken::Changed { number: 1 }));

    let tamperings = [
        ("UPDATE room_log SET reason = 'other' WHERE event = $1 AND number = 3", Broken::Changed { number: 3 }),
        ("UPDATE room_log SET at = at + interval '1 microsecond' WHERE event = $1 AND number = 2", Broken::Changed { number: 2 }),
        ("UPDATE room_log SET actor = NULL WHERE event = $1 AND number = 7", Broken::Changed { number: 7 }),
        ("UPDATE room_log SET hash = sha256(hash) WHERE event = $1 AND number = 1", Broken::Changed { number: 1 }),
        ("DELETE FROM room_log WHERE event = $1 AND number = 2", Broken::Missing { number: 2 }),
        ("DELETE FROM room_log WHERE event = $1 AND number = 8", Broken::Missing { number: 8 }),
    ];
    for (sql, broken) in tamperings {
        let mut tx = world.pool.begin().await.unwrap();
        sqlx::query(sql).bind(event.0).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        let found = world.control_log(event).await;
        assert_eq!(verify_control_log(event, &found, &shown), Err(broken), "{sql}");
        world.rewrite_log(event, &entries).await;
    }
    assert_eq!(verify_control_log(event, &world.control_log(event).await, &shown), Ok(shown.clone()));

    // An end that was cut off leaves a gap, whatever comes after it.
    sqlx::query("DELETE FROM room_log WHERE event = $1 AND number = 8").bind(event.0).execute(&world.pool).await.unwrap();
    let change = ControlChange { burst: Some(7), reason: "later".into(), ..ControlChange::default() };
    world.set(&room, event, change).await;
    let found = world.control_log(event).await;
    assert_eq!(verify_control_log(event, &found, &shown), Err(Broken::Missing { number: 8 }));
    // A log that is written again from there on does not have what was shown before.
    world.rewrite_log(event, &entries[..7]).await;
    world.set(&room, event, ControlChange { rate_per_min: Some(9), ..ControlChange::default() }).await;
    let found = world.control_log(event).await;
    assert_eq!(verify_control_log(event, &found, &shown), Err(Broken::Rewritten { number: 8 }));
}

#[tokio::test]
async fn operators_at_the_same_time_append_one_after_the_other() {
    let (world, room, event) = on_sale(&generous()).await;
    let changes = (1..=8).map(|burst| {
        let change = ControlChange { burst: Some(burst), reason: "race".into(), ..ControlChange::default() };
        room.set_control(event, change, world.operator)
    });
    for result in futures::future::join_all(changes).await {
        result.unwrap();
    }
    room.tick_once().await;
    let (entries, shown) = (world.control_log(event).await, world.board(&room, event).await.control_log);
    assert_eq!((entries.len(), verify_control_log(event, &entries, &shown)), (OPENED + 8, Ok(shown)));
}

#[tokio::test]
async fn of_operators_who_saw_the_same_room_one_changes_it() {
    let world = World::new().await;
    let (room, other) = (world.replica(), world.replica());
    let event = world.on_sale(&room, &generous()).await;
    let seen = room.control(event).await.unwrap();
    let changes = (1..=8).map(|burst| {
        let replica = if burst % 2 == 0 { &room } else { &other };
        let change = ControlChange {
            burst: Some(burst),
            reason: "race".into(),
            if_revision: Some(seen.revision),
            ..ControlChange::default()
        };
        replica.set_control(event, change, world.operator)
    });
    let (made, refused): (Vec<_>, Vec<_>) = futures::future::join_all(changes).await.into_iter().partition(Result::is_ok);
    assert_eq!(refused, vec![Err(QueueError::ControlChanged); 7]);
    let [Ok(made)] = &made[..] else { panic!("{made:?}") };
    let now = room.control(event).await.unwrap();
    assert_eq!((&now, now.revision > seen.revision), (made, true));
    assert_eq!(room.log(event, None, 10).await.unwrap().len(), OPENED + 1, "the one change");

    // What changes nothing is refused too; a turn that comes is no change; the schedule's step is one.
    let again = ControlChange { burst: Some(now.settings.burst), if_revision: Some(seen.revision), ..ControlChange::default() };
    assert_eq!(room.set_control(event, again.clone(), world.operator).await, Err(QueueError::ControlChanged));
    room.join(event, fans(1)[0]).await.unwrap();
    world.admit(&room, event).await;
    let kept = room.set_control(event, ControlChange { if_revision: Some(now.revision), ..again }, world.operator).await.unwrap();
    assert_eq!((kept.revision, kept.admitted), (now.revision, 1));
    sqlx::query("UPDATE events SET starts_at = now() WHERE id = $1").bind(event.0).execute(&world.pool).await.unwrap();
    room.tick_once().await;
    let late = ControlChange { message: Some("hello".into()), if_revision: Some(now.revision), ..ControlChange::default() };
    assert_eq!(room.set_control(event, late, world.operator).await, Err(QueueError::ControlChanged));
}

#[tokio::test]
async fn the_schedule_waits_for_its_time() {
    let world = World::new().await;
    let room = world.replica();
    let event = world.publish(&generous(), 3_600, 7_200).await;
    room.tick_once().await;
    assert_eq!(room.control(event).await.unwrap().state, RoomState::Scheduled);
    assert_eq!(world.board(&room, event).await.state, RoomState::Scheduled);
    world.set(&room, event, to(RoomState::Lobby)).await;
    room.tick_once().await;
    assert_eq!(room.control(event).await.unwrap().state, RoomState::Lobby);
    room.join(event, fans(1)[0]).await.unwrap();
    let log = world.control_log(event).await;
    let by_itself: Vec<bool> = log.iter().map(|entry| entry.actor.is_none()).collect();
    assert_eq!(by_itself, [true, false], "its terms are announced, and nothing else happens by itself");
}

#[tokio::test]
async fn the_keys_of_a_closed_room_are_freed_aside_whatever_their_size() {
    let mut bed = TestBed::new().await;
    let link = Link::before(&mut bed.redis_url).await.unwrap();
    let world = World::on(bed, &[]).await;
    let room = world.replica();
    let event = world.on_sale(&room, &generous()).await;
    world.set(&room, event, to(RoomState::Closed)).await;
    link.hold_request(b"UNLINK");
    tokio::select! {
        () = room.tick_once() => panic!("closed by something that holds up everyone"),
        () = eventually("it is asked for", SOON, || async { (link.caught() == 1).then_some(()) }) => {}
    }
}

#[tokio::test]
async fn a_room_closes_when_its_event_starts_and_its_keys_go() {
    let world = World::new().await;
    let room = world.replica();
    let scheduled = world.publish(&generous(), 3_600, 7_200).await;
    let lobby = world.lobby(&room, &generous()).await;
    let open = world.on_sale(&room, &generous()).await;
    room.join(open, fans(1)[0]).await.unwrap();
    room.tick_once().await;
    for event in [scheduled, lobby, open] {
        sqlx::query(
            "UPDATE events SET lobby_opens_at = least(lobby_opens_at, now() - interval '2 s'),
                               onsale_at = least(onsale_at, now() - interval '1 s'), starts_at = now() WHERE id = $1",
        )
        .bind(event.0)
        .execute(&world.pool)
        .await
        .unwrap();
    }
    for _ in 0..2 {
        room.tick_once().await;
    }
    for event in [scheduled, lobby, open] {
        assert_eq!(world.room(event).await.state, RoomState::Closed);
        assert_eq!(world.board(&room, event).await.state, RoomState::Closed);
        let log = room.log(event, None, 1).await.unwrap();
        assert_eq!((log[0].actor, log[0].reason.as_str()), (None, "schedule"));
        assert!(log[0].change.contains(r#""closed"]"#), "{log:?}");
    }
    assert_eq!(world.ask::<u64>("EXISTS", &[world.names(open).room(), world.names(open).scores()]).await, 0);
    let alive = goticket_storage::rooms::changed(&world.pool, &[], None).await.unwrap().events;
    assert!(alive.is_empty(), "no one reads them any more: {alive:?}");
}
