//! Servers that go away for a while.

use std::time::Duration;

use goticket_domain::AccountId;
use goticket_domain::queue::{Board, ControlChange, HeldUp, QueueError, RoomSettings, WaitingRoom};
use goticket_testkit::{TestBed, eventually};
use redis::cmd;

use crate::world::{World, fans, generous, on_sale};

const SOON: Duration = Duration::from_secs(20);

/// Links, quick to notice that a server is away.
const IMPATIENT: [(&str, &str); 3] =
    [("POSTGRES__ACQUIRE_TIMEOUT_MS", "500"), ("REDIS__RESPONSE_TIMEOUT_MS", "500"), ("REDIS__CONNECT_TIMEOUT_MS", "500")];

#[tokio::test]
async fn nobody_joins_or_is_admitted_while_it_cannot_be_written_down() {
    let (bed, links) = TestBed::behind_links().await;
    let world = World::on(bed, &IMPATIENT).await;
    let room = world.replica();
    let event = world.on_sale(&room, &generous()).await;
    let fan = AccountId::generate();
    let joined = room.join(event, fan).await.unwrap();
    world.fill_bucket(event).await;
    room.refresh_rooms().await;
    links.postgres.cut();
    room.tick_once().await;
    let line: u64 = world.ask("ZCARD", &[world.names(event).line()]).await;
    assert_eq!(line, 1, "they wait");
    assert_eq!(room.join(event, AccountId::generate()).await.unwrap_err(), QueueError::Unavailable);
    assert!(
        room.join(event, fan).await.unwrap().existing && room.place(event, fan, &joined.signed).await.is_ok(),
        "who stands stands"
    );
    let change = ControlChange { rate_per_min: Some(1), ..ControlChange::default() };
    assert_eq!(room.set_control(event, change, world.operator).await.unwrap_err(), QueueError::Unavailable);
    links.postgres.restore();
    eventually("they are admitted by a tick", SOON, || async {
        room.tick_once().await;
        let line: u64 = world.ask("ZCARD", &[world.names(event).line()]).await;
        (line == 0).then_some(())
    })
    .await;
    world.assert_history(event).await;
}

#[tokio::test]
async fn without_redis_everyone_is_told_to_come_back_and_ticks_resume_by_themselves() {
    let (bed, links) = TestBed::behind_links().await;
    let world = World::on(bed, &IMPATIENT).await;
    let room = world.replica();
    let event = world.on_sale(&room, &generous()).await;
    let all = fans(2);
    let ticket = room.join(event, all[0]).await.unwrap().signed;
    room.tick_once().await;
    let board = world.board(&room, event).await;
    links.redis.cut();
    room.tick_once().await;
    assert_eq!(room.join(event, all[1]).await.unwrap_err(), QueueError::Unavailable);
    assert_eq!(room.claim(event, all[0], &ticket).await.unwrap_err(), QueueError::Unavailable);
    assert_eq!(room.leave(event, all[0]).await.unwrap_err(), QueueError::Unavailable);
    assert_eq!(world.board(&room, event).await.frontier, board.frontier, "the last board stays");
    let pause = ControlChange { message: Some("wait".into()), ..ControlChange::default() };
    assert_eq!(
        room.set_control(event, pause, world.operator).await.unwrap().settings.message,
        "wait",
        "operators still reach it"
    );
    links.redis.restore();
    eventually("the fan is admitted by a tick and gets their token", SOON, || async {
        room.tick_once().await;
        room.claim(event, all[0], &ticket).await.ok()
    })
    .await;
    room.tick_once().await;
    assert_eq!(world.board(&room, event).await.message, "wait");
    world.assert_history(event).await;
}

#[tokio::test]
async fn while_a_store_is_away_boards_go_on_and_say_why_no_one_moves() {
    let (bed, links) = TestBed::behind_links().await;
    let world = World::on(bed, &IMPATIENT).await;
    let room = world.replica();
    let event = world.on_sale(&room, &RoomSettings { rate_per_min: 1, burst: 1, ..generous() }).await;
    room.join(event, fans(1)[0]).await.unwrap();
    for (what, link) in [("Redis", &links.redis), ("Postgres", &links.postgres)] {
        let look = async || {
            room.refresh_rooms().await;
            room.look_after_stores().await;
            world.board(&room, event).await
        };
        room.tick_once().await;
        let before = look().await;
        assert_eq!(before.held_up_by, None, "{what}");
        link.cut();
        assert_eq!(look().await, before, "{what}: one look that fails is no outage");
        let told = look().await;
        assert_eq!(told.held_up_by, Some(HeldUp::StoresAway), "{what}");
        assert!(told.is_newer_than(&before), "{what}");
        assert_eq!(Board { at: before.at, held_up_by: None, ..told.clone() }, before, "{what}: nothing else is said");
        let again = look().await;
        assert!(again.is_newer_than(&told), "{what}: it is renewed");
        let shown = room.control(event).await.map(|control| control.held_up_by);
        assert!(matches!(shown, Ok(Some(HeldUp::StoresAway)) | Err(QueueError::Unavailable)), "{what}");
        link.restore();
        eventually("its owner makes boards again", SOON, || async {
            room.tick_once().await;
            let board = look().await;
            (board.held_up_by.is_none() && board.is_newer_than(&again)).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn scripts_that_redis_has_forgotten_are_loaded_again() {
    let (world, room, event) = on_sale(&generous()).await;
    let fan = AccountId::generate();
    for _ in 0..2 {
        let _: () = world.redis.query(cmd("SCRIPT").arg("FLUSH")).await.unwrap();
        room.join(event, fan).await.unwrap();
        let _: () = world.redis.query(cmd("SCRIPT").arg("FLUSH")).await.unwrap();
        room.tick_once().await;
    }
    assert_eq!(room.control(event).await.unwrap().state, goticket_domain::queue::RoomState::Open);
}
