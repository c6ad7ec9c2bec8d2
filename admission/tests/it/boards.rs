//! Boards: what every fan's place follows from.

use std::time::Duration;

use futures::StreamExt as _;
use goticket_domain::queue::{
    Availability, Chance, ClaimedPlace, ControlChange, Entry, HeldUp, Location, PlaceTicket, RoomSettings, RoomState, WaitingRoom,
};
use goticket_storage::queue_log;
use tokio::time::timeout;

use crate::world::{World, fans, generous, on_sale};

#[tokio::test]
async fn a_watcher_gets_the_current_boards_first_and_then_what_changes() {
    let world = World::new().await;
    let room = world.replica();
    let one = world.on_sale(&room, &generous()).await;
    let other = world.on_sale(&room, &generous()).await;
    room.tick_once().await;
    let mut boards = room.watch().await.unwrap();
    let mut first = [boards.next().await.unwrap().board.event, boards.next().await.unwrap().board.event];
    first.sort();
    assert_eq!(first, [one, other]);
    let change = ControlChange { message: Some("soon".into()), ..ControlChange::default() };
    world.set(&room, one, change).await;
    room.tick_once().await;
    let changed = timeout(Duration::from_secs(5), async {
        loop {
            let board = boards.next().await.unwrap();
            if board.board.message == "soon" {
                return board.board.event;
            }
        }
    });
    assert_eq!(changed.await.unwrap(), one);
}

#[tokio::test]
async fn an_unchanged_board_is_not_published_again_before_its_time() {
    let bed = goticket_testkit::TestBed::new().await;
    let world = World::on(bed, &[("ADMISSION__BOARD_EVERY_MS", "5000")]).await;
    let room = world.replica();
    let still = RoomSettings { rate_per_min: 0, ..RoomSettings::default() };
    let event = world.on_sale(&room, &still).await;
    room.tick_once().await;
    let mut boards = room.watch().await.unwrap();
    boards.next().await.unwrap();
    for _ in 0..5 {
        room.tick_once().await;
    }
    room.join(event, fans(1)[0]).await.unwrap();
    room.tick_once().await;
    assert_eq!(
        timeout(Duration::from_secs(5), boards.next()).await.unwrap().unwrap().board.waiting,
        1,
        "the first one that is new"
    );
}

#[tokio::test]
async fn the_board_and_the_line_agree_on_every_place() {
    let world = World::new().await;
    let room = world.replica();
    let settings = RoomSettings { rate_per_min: 1, burst: 1, ..RoomSettings::default() };
    let event = world.lobby(&room, &settings).await;
    let all = fans(400);
    let mut tickets = Vec::new();
    for fan in &all[..200] {
        tickets.push(room.join(event, *fan).await.unwrap());
    }
    world.start_sale(&room, event).await;
    for fan in &all[200..] {
        tickets.push(room.join(event, *fan).await.unwrap());
    }
    room.tick_once().await;
    let board = world.board(&room, event).await;
    let mut exact = 0;
    for (fan, ticket) in all.iter().zip(&tickets) {
        let ClaimedPlace::Waiting { ahead, .. } = room.place(event, *fan, &ticket.signed).await.unwrap() else { continue };
        let renewed = room.renew(event, *fan, &ticket.signed).await.unwrap();
        let Location::Waiting { ahead: told, .. } = board.locate(&renewed.ticket) else { panic!("{ahead}") };
        if ahead <= 100 {
            assert_eq!(told, ahead);
            exact += 1;
        }
        assert!(told.abs_diff(ahead) * 100 <= ahead, "told {told}, is {ahead}");
    }
    assert!(exact >= 100, "{exact}");
}

#[tokio::test]
async fn who_comes_while_the_lobby_waits_for_its_draw_stands_behind_all_of_it() {
    let world = World::new().await;
    let room = world.replica();
    let event = world.lobby(&room, &generous()).await;
    for fan in fans(5) {
        room.join(event, fan).await.unwrap();
    }
    queue_log::close(&world.pool, event, world.epoch(event).await, 0).await.unwrap().expect("it was open");
    let mut late = Vec::new();
    for fan in fans(3) {
        late.push(room.join(event, fan).await.unwrap().ticket);
    }
    room.refresh_rooms().await;
    room.admit_all().await;
    let board = world.board(&room, event).await;
    assert_eq!((board.waiting, board.is_drawn(), board.log), (8, false, 9));
    for (ticket, ahead) in late.iter().zip(5..) {
        assert!(matches!(board.locate(ticket), Location::Waiting { ahead: told, .. } if told == ahead), "{ticket:?}");
    }
}

#[tokio::test]
async fn who_missed_their_turn_is_told_so_for_good_and_who_comes_again_is_not() {
    let (world, room, event) = on_sale(&RoomSettings { rate_per_min: 0, ..generous() }).await;
    let all = fans(3);
    let mut tickets = Vec::new();
    for fan in &all {
        tickets.push(room.join(event, *fan).await.unwrap().ticket);
    }
    let told = async |ticket| {
        room.tick_once().await;
        world.board(&room, event).await.locate(ticket)
    };
    let admit = async |ticket: &PlaceTicket, claim_by_ms| {
        let through = ticket.score().unwrap();
        let mut db = world.pool.acquire().await.unwrap();
        let admit = vec![Entry::Admit { through, claim_by_ms }];
        queue_log::append(&mut db, event, admit, 2_000, None).await.unwrap().unwrap();
    };
    admit(&tickets[0], 1_000).await;
    admit(&tickets[1], i64::from(u32::MAX) * 1_000).await;
    assert_eq!([told(&tickets[0]).await, told(&tickets[1]).await], [Location::Passed, Location::Turn]);
    world.lose_redis(event).await;
    assert_eq!([told(&tickets[0]).await, told(&tickets[1]).await], [Location::Passed, Location::Turn]);
    let again = room.join(event, all[0]).await.unwrap().ticket;
    assert_eq!(told(&again).await, Location::Deferred);
}

#[tokio::test]
async fn a_board_is_serialized_once_for_all_who_watch() {
    let (_world, room, event) = on_sale(&generous()).await;
    room.tick_once().await;
    let (mut one, mut other) = (room.watch().await.unwrap(), room.watch().await.unwrap());
    let (one, other) = (one.next().await.unwrap(), other.next().await.unwrap());
    assert!(std::sync::Arc::ptr_eq(&one, &other));
    assert_eq!((one.board.event, serde_json::to_vec(&one.board).unwrap()), (event, one.json.to_vec()));
}

#[tokio::test]
async fn board_and_control_say_what_holds_the_line_up() {
    let (world, room, event) = on_sale(&RoomSettings { active_cap: 1, ..generous() }).await;
    let all = fans(3);
    for fan in &all {
        room.join(event, *fan).await.unwrap();
    }
    let told = async || {
        world.admit(&room, event).await;
        let (board, control) = (world.board(&room, event).await.held_up_by, room.control(event).await.unwrap().held_up_by);
        assert_eq!(board, control);
        board
    };
    assert_eq!(told().await, Some(HeldUp::CapReached));
    world.set(&room, event, ControlChange { active_cap: Some(2), rate_per_min: Some(0), ..ControlChange::default() }).await;
    assert_eq!(told().await, Some(HeldUp::RateZero));
    let availability = world.names(event).availability();
    let _: u64 = world.ask("HSET", &[availability.as_str(), "free:0", "1", "held:0", "9"]).await;
    world.set(&room, event, ControlChange { rate_per_min: Some(600_000), ..ControlChange::default() }).await;
    assert_eq!(told().await, Some(HeldUp::SeatsHeld), "somebody is inside who may take the last one");
    world.set(&room, event, ControlChange { state: Some(RoomState::Paused), ..ControlChange::default() }).await;
    assert_eq!(told().await, Some(HeldUp::Paused));
    let _: u64 = world.ask("HSET", &[availability.as_str(), "free:0", "0", "held:0", "0"]).await;
    assert_eq!(told().await, Some(HeldUp::SoldOut));
    let _: u64 = world.ask("HSET", &[availability.as_str(), "free:0", "50"]).await;
    let change = ControlChange { state: Some(RoomState::Open), active_cap: Some(9), ..ControlChange::default() };
    world.set(&room, event, change).await;
    assert_eq!(told().await, None);
    assert_eq!(world.board(&room, event).await.admitted, 3);
}

#[tokio::test]
async fn the_board_shows_what_is_left_of_each_category() {
    let (world, room, event) = on_sale(&generous()).await;
    let availability = world.names(event).availability();
    let _: u64 = world.ask("HSET", &[availability.as_str(), "free:1", "0", "held:1", "3", "free:0", "5"]).await;
    room.tick_once().await;
    let board = world.board(&room, event).await;
    let unpriced = |category, free, held| Availability { category, free, held, capacity: None, price: None };
    assert_eq!((board.availability, board.currency), (vec![unpriced(0, 5, 0), unpriced(1, 0, 3)], None));
}

#[tokio::test]
async fn the_board_says_what_a_fan_pays_and_what_they_may_still_find() {
    let (world, _room, event) = on_sale(&RoomSettings { rate_per_min: 0, ..generous() }).await;
    sqlx::query(
        "INSERT INTO event_categories (event, no, name, color, price_minor, seat_count)
         VALUES ($1, 0, 'Stalls', 'red', 9000, 100), ($1, 1, 'Gallery', 'blue', 0, 50)",
    )
    .bind(event.0)
    .execute(&world.pool)
    .await
    .unwrap();
    let availability = world.names(event).availability();
    let _: u64 = world.ask("HSET", &[availability.as_str(), "free:0", "90", "held:0", "4", "free:1", "0", "held:1", "0"]).await;
    // Whoever takes the room over has read nothing of it before.
    let successor = world.successor().await;
    successor.tick_once().await;
    let board = world.board(&successor, event).await;
    let priced =
        |category, free, held, seats, price| Availability { category, free, held, capacity: Some(seats), price: Some(price) };
    assert_eq!(board.availability, [priced(0, 90, 4, 100, 9_000), priced(1, 0, 0, 50, 0)]);
    assert_eq!(serde_json::to_value(&board).unwrap()["currency"], "EUR");
    let told = board.chances_of(3).iter().map(|of| (of.category, of.chance)).collect::<Vec<_>>();
    assert_eq!(told, [(0, Chance::Likely), (1, Chance::Gone)]);
}
