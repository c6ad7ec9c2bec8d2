//! Boards on their way: made by the owner, shown by every replica as they were made, and never an older one after a newer one.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use goticket_admission::WaitingRoomService;
use goticket_admission::outbound::redis::Lines;
use goticket_domain::EventId;
use goticket_domain::queue::{BoardVersion, ControlChange, PublishedBoard, WaitingRoom};
use goticket_testkit::{Link, TestBed};
use tokio::time::timeout;

use crate::world::{World, fans, generous, on_sale};

const SOON: Duration = Duration::from_secs(20);

/// What a replica shows of this room now.
async fn shown(room: &WaitingRoomService, event: EventId) -> Arc<PublishedBoard> {
    next(room, |board| board.board.event == event).await
}

/// The first board a replica shows of which this holds.
async fn next(room: &WaitingRoomService, holds: impl Fn(&PublishedBoard) -> bool) -> Arc<PublishedBoard> {
    let mut boards = room.watch().await.unwrap();
    let found = async {
        loop {
            let board = boards.next().await.unwrap();
            if holds(&board) {
                return board;
            }
        }
    };
    timeout(SOON, found).await.expect("a board")
}

fn says(message: &str) -> ControlChange {
    ControlChange { message: Some(message.into()), reason: "test".into(), ..ControlChange::default() }
}

#[tokio::test]
async fn every_replica_shows_the_owners_board_byte_for_byte() {
    let (world, owner, event) = on_sale(&generous()).await;
    owner.tick_once().await;
    let (other, shutdown) = world.start(&world.config);
    let first = next(&other, |board| board.board.event == event).await;
    assert_eq!(first, shown(&owner, event).await, "what was published before it started");
    world.set(&owner, event, says("soon")).await;
    owner.tick_once().await;
    let heard = next(&other, |board| board.board.message == "soon").await;
    assert_eq!(heard, shown(&owner, event).await);
    assert_eq!(*heard.json, *serde_json::to_vec(&heard.board).unwrap());
    let version = |number| BoardVersion { number, ..heard.version };
    assert!(heard.version > first.version && heard.version <= version(4), "once per change: {:?}", heard.version);
    shutdown.drain(SOON).await.unwrap();
}

#[tokio::test]
async fn boards_that_were_missed_are_read_when_the_connection_is_back() {
    let mut bed = TestBed::new().await;
    let direct = bed.redis_url.clone();
    let link = Link::before(&mut bed.redis_url).await.unwrap();
    let world = World::on(bed, &[]).await;
    let owner = world.replica_at(&direct).await;
    let event = world.on_sale(&owner, &generous()).await;
    owner.tick_once().await;
    let (other, shutdown) = world.start(&world.config);
    next(&other, |board| board.board.event == event).await;
    link.cut();
    world.set(&owner, event, says("while no one listened")).await;
    owner.tick_once().await;
    assert_eq!(shown(&other, event).await.board.message, "", "the last one stays");
    link.restore();
    next(&other, |board| board.board.message == "while no one listened").await;
    shutdown.drain(SOON).await.unwrap();
}

#[tokio::test]
async fn while_the_owner_changes_the_last_board_stays_and_none_goes_back() {
    let (world, one, event) = on_sale(&generous()).await;
    let watcher = world.replica();
    watcher.refresh_rooms().await;
    world.set(&one, event, says("first")).await;
    one.tick_once().await;
    watcher.read_boards().await.unwrap();
    let two = world.successor().await;
    two.share_rooms().await;
    watcher.read_boards().await.unwrap();
    assert_eq!(shown(&watcher, event).await.board.message, "first", "its successor has published nothing yet");
    world.set(&two, event, says("second")).await;
    two.tick_once().await;
    watcher.read_boards().await.unwrap();
    let second = shown(&watcher, event).await;
    assert_eq!(second.board.message, "second");

    // The first one takes itself for the owner, and has something to say.
    let before = one.join(event, fans(1)[0]).await;
    assert!(before.is_ok());
    one.refresh_rooms().await;
    one.admit_all().await;
    watcher.read_boards().await.unwrap();
    assert_eq!(shown(&watcher, event).await, second, "Redis does not take it");
    // Where Redis has forgotten the newer one it does: then whoever has seen that shows it.
    let _: u64 = world.ask("DEL", &[world.names(event).board()]).await;
    world.set(&one, event, says("third")).await;
    one.refresh_rooms().await;
    one.admit_all().await;
    assert_eq!(world.ask::<u64>("EXISTS", &[world.names(event).board()]).await, 1);
    watcher.read_boards().await.unwrap();
    assert_eq!(shown(&watcher, event).await, second);
    two.tick_once().await;
    watcher.read_boards().await.unwrap();
    assert_eq!(shown(&watcher, event).await.board.message, "third");
}

#[tokio::test]
async fn only_newer_boards_are_published() {
    let (world, room, event) = on_sale(&generous()).await;
    room.tick_once().await;
    let now = shown(&room, event).await;
    let lines = Lines::new(world.redis.clone());
    let BoardVersion { epoch, number } = now.version;
    let rows = [
        ("itself", (epoch, number), false),
        ("an earlier one", (epoch, number - 1), false),
        ("the next", (epoch, number + 1), true),
        ("an earlier owner's, whatever its number", (epoch - 1, number + 100), false),
        ("the next owner's first", (epoch + 1, 1), true),
        ("the owner before", (epoch, number + 2), false),
    ];
    for (what, (epoch, number), taken) in rows {
        let board = PublishedBoard::new(BoardVersion { epoch, number }, now.board.clone()).unwrap();
        assert_eq!(lines.publish(&board).await.unwrap(), taken, "{what}");
    }
    let ttl: i64 = world.ask("TTL", &[world.names(event).board()]).await;
    assert!(ttl > 80_000, "{ttl}");
}
