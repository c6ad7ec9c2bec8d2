//! Boards: what every fan's place follows from.

use std::time::Duration;

use futures::StreamExt as _;
use goticket_domain::queue::{Availability, ClaimedPlace, ControlChange, Location, RoomSettings, WaitingRoom};
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
    let mut first = [boards.next().await.unwrap().event, boards.next().await.unwrap().event];
    first.sort();
    assert_eq!(first, [one, other]);
    let change = ControlChange { message: Some("soon".into()), ..ControlChange::default() };
    world.set(&room, one, change).await;
    room.tick_once().await;
    let changed = timeout(Duration::from_secs(5), async {
        loop {
            let board = boards.next().await.unwrap();
            if board.message == "soon" {
                return board.event;
            }
        }
    });
    assert_eq!(changed.await.unwrap(), one);
}

#[tokio::test]
async fn an_unchanged_board_is_not_published_again_before_its_time() {
    let bed = goticket_testkit::TestBed::new().await;
    let world = World::on(bed, &[("ADMISSION__BOARD_EVERY_MS", "8000")]).await;
    let room = world.replica();
    let nobody = RoomSettings { rate_per_min: 0, ..RoomSettings::default() };
    let event = world.on_sale(&room, &nobody).await;
    room.tick_once().await;
    let mut boards = room.watch().await.unwrap();
    boards.next().await.unwrap();
    for _ in 0..5 {
        room.tick_once().await;
    }
    room.join(event, fans(1)[0]).await.unwrap();
    room.tick_once().await;
    assert_eq!(timeout(Duration::from_secs(5), boards.next()).await.unwrap().unwrap().waiting, 1, "the first one that is new");
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
        let Location::Waiting { ahead: told, .. } = board.locate(&ticket.ticket) else { panic!("{ahead}") };
        if ahead <= 64 {
            assert_eq!(told, ahead);
            exact += 1;
        }
        assert!(told.abs_diff(ahead) * 20 <= ahead, "told {told}, is {ahead}");
    }
    assert!(exact >= 64, "{exact}");
    assert!(board.pivots.len() <= 512);
}

#[tokio::test]
async fn the_board_shows_what_is_left_of_each_category() {
    let (world, room, event) = on_sale(&generous()).await;
    let availability = world.names(event).availability();
    let _: u64 = world.ask("HSET", &[availability.as_str(), "free:1", "0", "held:1", "3", "free:0", "5"]).await;
    room.tick_once().await;
    let left = world.board(&room, event).await.availability;
    assert_eq!(left, [Availability { category: 0, free: 5, held: 0 }, Availability { category: 1, free: 0, held: 3 }]);
}
