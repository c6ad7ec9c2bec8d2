//! Redis loses everything in the middle of a queue: nobody loses their place, and nobody gets in by it.

use goticket_domain::queue::{ClaimedPlace, Location, PlaceKind, QueueError, RoomSettings, RoomState, WaitingRoom};
use goticket_storage::rooms;

use crate::world::{World, fans, generous, on_sale};

/// Ten are inside or admitted, five of them from the lobby; twenty wait.
const CAP: u32 = 10;

#[tokio::test]
async fn tickets_bring_everyone_back_to_their_place_and_nobody_beyond_rate_and_cap() {
    let world = World::new().await;
    let room = world.replica();
    let settings = RoomSettings { active_cap: CAP, rate_per_min: 60, ..generous() };
    let event = world.lobby(&room, &settings).await;
    let all = fans(30);
    let mut tickets = Vec::new();
    for fan in &all[..15] {
        tickets.push(room.join(event, *fan).await.unwrap());
    }
    world.start_sale(&room, event).await;
    for fan in &all[15..] {
        tickets.push(room.join(event, *fan).await.unwrap());
    }
    world.admit(&room, event).await;
    let mut before = Vec::new();
    for (fan, ticket) in all.iter().zip(&tickets) {
        before.push(room.place(event, *fan, &ticket.signed).await.unwrap());
    }
    let admitted: Vec<usize> = (0..30).filter(|n| matches!(before[*n], ClaimedPlace::Admitted { .. })).collect();
    assert_eq!(admitted.len(), CAP as usize);
    room.claim(event, all[admitted[0]], &tickets[admitted[0]].signed).await.unwrap();
    let epoch = tickets[29].ticket.epoch;

    world.lose_redis(event).await;

    // Those at the back come first: whoever comes back when, all stand as before.
    for n in (0..30).rev() {
        let place = room.place(event, all[n], &tickets[n].signed).await.unwrap();
        match before[n] {
            ClaimedPlace::Admitted { .. } => assert!(matches!(place, ClaimedPlace::Admitted { .. }), "{n}: {place:?}"),
            ClaimedPlace::Waiting { score, .. } => {
                assert!(matches!(place, ClaimedPlace::Waiting { score: now, .. } if now == score), "{n}: {place:?}");
            }
            other => panic!("{other:?}"),
        }
    }
    for n in 0..30 {
        if let ClaimedPlace::Waiting { .. } = before[n] {
            assert_eq!(room.place(event, all[n], &tickets[n].signed).await.unwrap(), before[n]);
        }
    }
    assert!(world.room(event).await.epoch > epoch);

    // The bucket began empty, and the cap still counts those who were inside.
    room.tick_once().await;
    let control = room.control(event).await.unwrap();
    assert_eq!((control.admitted, control.active, control.waiting), (u64::from(CAP), u64::from(CAP), 20));
    world.admit(&room, event).await;
    assert_eq!(room.control(event).await.unwrap().active, u64::from(CAP), "even with a full bucket");

    // And joining again gives a ticket of the new epoch for the same place.
    let again = room.join(event, all[29]).await.unwrap();
    assert!(again.existing && again.ticket.epoch > epoch && again.ticket.kind == tickets[29].ticket.kind);
}

#[tokio::test]
async fn a_bucket_that_was_lost_begins_empty() {
    let (world, room, event) = on_sale(&RoomSettings { rate_per_min: 1, burst: 5, ..RoomSettings::default() }).await;
    let all = fans(30);
    let mut tickets = Vec::new();
    for fan in &all {
        tickets.push(room.join(event, *fan).await.unwrap().signed);
    }
    world.admit(&room, event).await;
    for _ in 0..3 {
        world.lose_redis(event).await;
        for (fan, ticket) in all.iter().zip(&tickets) {
            room.place(event, *fan, ticket).await.unwrap();
        }
        room.tick_once().await;
        let control = room.control(event).await.unwrap();
        assert_eq!((control.admitted, control.active, control.waiting), (5, 5, 25), "one burst, however often Redis is lost");
    }
}

#[tokio::test]
async fn who_does_not_come_back_keeps_their_slot_until_their_session_must_be_over() {
    let (world, room, event) = on_sale(&RoomSettings { active_cap: 2, ..generous() }).await;
    let all = fans(4);
    for fan in &all {
        room.join(event, *fan).await.unwrap();
    }
    world.admit(&room, event).await;
    world.lose_redis(event).await;
    let newcomer = fans(1)[0];
    room.join(event, newcomer).await.unwrap();
    world.admit(&room, event).await;
    let control = room.control(event).await.unwrap();
    assert_eq!((control.admitted, control.active), (2, 2), "two ghosts fill the cap");
    let _: u64 = world.ask("HSET", &[world.names(event).room(), "ghosts_until".into(), "1".into()]).await;
    world.admit(&room, event).await;
    assert_eq!(room.control(event).await.unwrap().admitted, 3);
}

#[tokio::test]
async fn no_sequence_number_is_given_twice() {
    let (world, room, event) = on_sale(&generous()).await;
    let mut last = None;
    for round in 0..3 {
        for fan in fans(5) {
            let PlaceKind::Late { sequence } = room.join(event, fan).await.unwrap().ticket.kind else { panic!() };
            assert!(Some(sequence) > last, "round {round}: {sequence} after {last:?}");
            last = Some(sequence);
        }
        world.lose_redis(event).await;
    }
}

#[tokio::test]
async fn a_lobby_that_was_lost_consists_of_those_who_came_back() {
    let world = World::new().await;
    let room = world.replica();
    let event = world.lobby(&room, &generous()).await;
    let all = fans(3);
    let mut tickets = Vec::new();
    for fan in &all {
        tickets.push(room.join(event, *fan).await.unwrap());
    }
    world.lose_redis(event).await;
    // One comes back by their ticket, one by joining again, one only after the draw: their score is the draw's as well.
    assert_eq!(room.place(event, all[0], &tickets[0].signed).await, Err(QueueError::NotDrawn));
    assert_eq!(room.join(event, all[1]).await.unwrap().ticket.kind, PlaceKind::Lobby);
    assert_eq!(room.control(event).await.unwrap().waiting, 2);
    world.start_sale(&room, event).await;
    for (fan, ticket) in all.iter().zip(&tickets) {
        let place = room.place(event, *fan, &ticket.signed).await.unwrap();
        let expected = ticket.ticket.score(world.room(event).await.seed.as_ref()).unwrap();
        assert!(matches!(place, ClaimedPlace::Waiting { score, .. } if score == expected), "{place:?}");
    }
}

#[tokio::test]
async fn who_left_or_let_their_turn_pass_does_not_come_back_by_an_old_ticket() {
    let (world, room, event) = on_sale(&generous()).await;
    let all = fans(2);
    let (gone, stays) = (room.join(event, all[0]).await.unwrap(), room.join(event, all[1]).await.unwrap());
    world.lose_redis(event).await;
    room.place(event, all[0], &gone.signed).await.unwrap();
    room.leave(event, all[0]).await.unwrap();
    assert_eq!(room.place(event, all[0], &gone.signed).await, Ok(ClaimedPlace::Gone));
    assert!(matches!(room.place(event, all[1], &stays.signed).await, Ok(ClaimedPlace::Waiting { ahead: 0, .. })));
}

#[tokio::test]
async fn joining_again_after_a_loss_does_not_cost_the_place_an_older_ticket_says() {
    let world = World::new().await;
    let room = world.replica();
    let event = world.lobby(&room, &generous()).await;
    let all = fans(4);
    let mut tickets = Vec::new();
    for fan in &all[..3] {
        tickets.push(room.join(event, *fan).await.unwrap());
    }
    world.start_sale(&room, event).await;
    tickets.push(room.join(event, all[3]).await.unwrap());
    let mut before = Vec::new();
    for (fan, ticket) in all.iter().zip(&tickets) {
        before.push(room.place(event, *fan, &ticket.signed).await.unwrap());
    }

    world.lose_redis(event).await;
    // A second device joins before the page with the old ticket asks.
    let mut again = Vec::new();
    for fan in &all {
        let joined = room.join(event, *fan).await.unwrap();
        assert!(matches!(joined.ticket.kind, PlaceKind::Late { .. }), "Redis knows nothing of the draw");
        again.push(joined);
    }
    for (fan, joined) in all.iter().zip(&again) {
        let now = room.place(event, *fan, &joined.signed).await.unwrap();
        assert!(matches!(now, ClaimedPlace::Waiting { score, .. } if score.kind() == joined.ticket.kind), "{now:?}");
    }
    for (fan, ticket) in all.iter().zip(&tickets) {
        room.place(event, *fan, &ticket.signed).await.unwrap();
    }
    for ((fan, ticket), old) in all.iter().zip(&again).zip(&before) {
        assert_eq!(room.place(event, *fan, &ticket.signed).await.as_ref(), Ok(old), "whichever ticket they show");
    }
    assert_eq!(room.control(event).await.unwrap().waiting, 4, "one account, one place");
    assert_eq!(room.join(event, all[0]).await.unwrap().ticket.kind, PlaceKind::Lobby);
}

#[tokio::test]
async fn a_turn_that_was_lost_comes_back_also_to_who_joined_again_meanwhile() {
    let (world, room, event) = on_sale(&RoomSettings { active_cap: 1, ..generous() }).await;
    let all = fans(3);
    let first = room.join(event, all[0]).await.unwrap();
    world.admit(&room, event).await;
    world.lose_redis(event).await;
    room.join(event, all[1]).await.unwrap();
    room.join(event, all[0]).await.unwrap();
    room.claim(event, all[0], &first.signed).await.unwrap();
    let control = room.control(event).await.unwrap();
    assert_eq!((control.waiting, control.active), (1, 1), "in the slot that was kept for them, and not in line as well");
}

#[tokio::test]
async fn who_began_again_after_a_loss_is_not_brought_forward_by_an_old_ticket() {
    let (world, room, event) = on_sale(&generous()).await;
    let all = fans(4);
    let mut old = Vec::new();
    for fan in &all {
        old.push(room.join(event, *fan).await.unwrap());
    }
    world.lose_redis(event).await;
    for (fan, ticket) in all.iter().zip(&old) {
        room.place(event, *fan, &ticket.signed).await.unwrap();
    }
    // One leaves, one lets their turn pass and is swept, of one nobody has swept it yet, one's session is over.
    room.leave(event, all[0]).await.unwrap();
    world.admit(&room, event).await;
    room.claim(event, all[3], &old[3].signed).await.unwrap();
    let k = world.names(event);
    world.put_time(&k.admitted(), old[1].ticket.place, 1).await;
    world.put_time(&k.sessions(), old[3].ticket.place, 1).await;
    room.tick_once().await;
    world.put_time(&k.admitted(), old[2].ticket.place, 1).await;
    world.empty_bucket(event).await;
    for (fan, ticket) in all.iter().zip(&old) {
        let again = room.join(event, *fan).await.unwrap();
        assert!(!again.existing);
        let place = room.place(event, *fan, &ticket.signed).await.unwrap();
        assert!(matches!(place, ClaimedPlace::Waiting { score, .. } if score.kind() == again.ticket.kind), "{place:?}");
    }
}

#[tokio::test]
async fn a_crowd_that_finds_an_empty_redis_fills_it_together_and_twins_agree() {
    let world = World::new().await;
    let (one, other) = (world.replica(), world.replica());
    let event = world.on_sale(&one, &generous()).await;
    other.refresh_rooms().await;
    let epoch = world.room(event).await.epoch;
    world.lose_redis(event).await;
    let joins = fans(100).into_iter().enumerate().map(|(n, fan)| {
        let room = if n % 2 == 0 { &one } else { &other };
        room.join(event, fan)
    });
    let joined = futures::future::join_all(joins).await;
    let sequences: std::collections::BTreeSet<_> = joined
        .into_iter()
        .map(|joined| match joined.unwrap().ticket.kind {
            PlaceKind::Late { sequence } => sequence,
            PlaceKind::Lobby => panic!("the lobby is closed"),
        })
        .collect();
    assert_eq!(sequences.len(), 100);
    let now = world.room(event).await.epoch;
    // Replicas that find each other half-way raise it once more than needed, which harms nobody; a hundred fans do not.
    assert!(now > epoch && now < epoch + 10, "{epoch} to {now}");
    let held: u64 = world.ask("HGET", &[world.names(event).room(), "epoch".into()]).await;
    assert_eq!(held, now);
}

#[tokio::test]
async fn a_redis_that_went_back_in_time_is_filled_again() {
    let (world, room, event) = on_sale(&generous()).await;
    let all = fans(4);
    for fan in &all {
        room.join(event, *fan).await.unwrap();
    }
    // A fail-over to a replica that had not seen the admissions: everyone is in line again.
    let line: Vec<(String, String)> =
        world.ask("ZRANGE", &[world.names(event).line(), "0".into(), "-1".into(), "WITHSCORES".into()]).await;
    world.admit(&room, event).await;
    let frontier = world.room(event).await.frontier;
    assert!(frontier.is_some(), "the floor is durable before the tick ends");
    let k = world.names(event);
    for (place, score) in line {
        let _: u64 = world.ask("ZADD", &[k.line(), score, place]).await;
    }
    let _: u64 = world.ask("DEL", &[k.admitted()]).await;
    let _: u64 = world.ask("HSET", &[k.room(), "frontier".into(), "-1".into(), "admitted".into(), "0".into()]).await;
    world.admit(&room, event).await;
    let control = room.control(event).await.unwrap();
    assert_eq!((control.waiting, control.admitted, control.active), (0, 4, 4), "nobody is admitted a second time");
    assert_eq!(world.ask::<u64>("ZCARD", &[k.admitted()]).await, 0, "the four are ghosts until they come back");
}

#[tokio::test]
async fn a_closed_room_is_not_filled_again() {
    let (world, room, event) = on_sale(&generous()).await;
    let fan = fans(1)[0];
    let ticket = room.join(event, fan).await.unwrap();
    let close = goticket_domain::queue::ControlChange { state: Some(RoomState::Closed), ..Default::default() };
    world.set(&room, event, close).await;
    world.lose_redis(event).await;
    let closed = QueueError::ClosedToJoins { state: RoomState::Closed };
    for room in [room, world.replica()] {
        assert_eq!(room.join(event, fan).await.unwrap_err(), closed);
        assert_eq!(room.place(event, fan, &ticket.signed).await.unwrap_err(), closed);
        room.leave(event, fan).await.unwrap();
    }
}

#[tokio::test]
async fn floors_only_rise() {
    let (world, _room, event) = on_sale(&generous()).await;
    let floors = |admitted, score| rooms::Floors {
        frontier: goticket_domain::queue::Score::from_u64(score),
        admitted,
        next_sequence: admitted,
        active: admitted,
        active_for_s: 60,
    };
    rooms::save_floors(&world.pool, event, floors(7, 70)).await.unwrap();
    rooms::save_floors(&world.pool, event, floors(5, 50)).await.unwrap();
    let row = world.room(event).await;
    assert_eq!((row.admitted, row.next_sequence, row.active, row.frontier_number()), (7, 7, 7, 70));
}

#[tokio::test]
async fn the_board_says_the_turn_of_everyone_up_to_the_frontier_also_after_a_loss() {
    let (world, room, event) = on_sale(&RoomSettings { active_cap: 1, ..generous() }).await;
    let all = fans(2);
    let (first, second) = (room.join(event, all[0]).await.unwrap(), room.join(event, all[1]).await.unwrap());
    world.admit(&room, event).await;
    world.lose_redis(event).await;
    room.place(event, all[1], &second.signed).await.unwrap();
    room.tick_once().await;
    let board = world.board(&room, event).await;
    assert_eq!(board.locate(&first.ticket), Location::Turn);
    assert!(matches!(board.locate(&second.ticket), Location::Waiting { ahead: 0, .. }));
    room.claim(event, all[0], &first.signed).await.unwrap();
}
