//! Waiting times: what fans were told outlasts pauses, and the owner that told them.

use goticket_domain::queue::{ControlChange, Eta, Location, PlaceTicket, RoomSettings, RoomState, WaitingRoom};
use goticket_domain::{AccountId, EventId};

use crate::world::{World, fans};

/// Ten a second, of whom a test admits none.
fn steady() -> RoomSettings {
    RoomSettings { rate_per_min: 600, burst: 1, ..RoomSettings::default() }
}

async fn last_of(room: &goticket_admission::WaitingRoomService, event: EventId, fans: &[AccountId]) -> PlaceTicket {
    let mut last = None;
    for fan in fans {
        last = Some(room.join(event, *fan).await.unwrap().ticket);
    }
    last.unwrap()
}

/// Whether they are told that the line moves, and when their turn comes.
async fn told(world: &World, room: &goticket_admission::WaitingRoomService, ticket: &PlaceTicket) -> (bool, u64, u64) {
    let Location::Waiting { eta: Some(eta), .. } = world.board(room, ticket.event).await.locate(ticket) else {
        panic!("they wait");
    };
    (matches!(eta, Eta::In(_)), eta.range().from_s, eta.range().to_s)
}

#[tokio::test]
async fn a_pause_a_rate_of_none_and_another_owner_take_no_promise_back() {
    let world = World::new().await;
    let room = world.replica();
    let event = world.on_sale(&room, &steady()).await;
    let ticket = last_of(&room, event, &fans(60)).await;
    room.tick_once().await;
    let model = world.board(&room, event).await.eta.expect("the order is drawn");
    let (moves, from_s, to_s) = told(&world, &room, &ticket).await;
    assert!(moves && from_s < to_s, "{from_s} {to_s}");

    let pause = ControlChange { state: Some(RoomState::Paused), ..ControlChange::default() };
    world.set(&room, event, pause).await;
    room.tick_once().await;
    assert_eq!(told(&world, &room, &ticket).await, (false, from_s, to_s));

    let successor = world.successor().await;
    successor.tick_once().await;
    assert_eq!(world.board(&successor, event).await.eta, Some(model), "the same guess of the same age");
    assert_eq!(told(&world, &successor, &ticket).await, (false, from_s, to_s));

    let stop = ControlChange { state: Some(RoomState::Open), rate_per_min: Some(0), ..ControlChange::default() };
    world.set(&successor, event, stop).await;
    successor.tick_once().await;
    assert_eq!(told(&world, &successor, &ticket).await, (false, from_s, to_s));

    world.empty_bucket(event).await;
    world.set(&successor, event, ControlChange { rate_per_min: Some(600), ..ControlChange::default() }).await;
    successor.tick_once().await;
    let (moves, _, after_s) = told(&world, &successor, &ticket).await;
    assert!(moves && after_s <= to_s, "{after_s} after {to_s}");
    assert_eq!(world.board(&successor, event).await.eta, Some(model));
}

#[tokio::test]
async fn whoever_takes_over_when_redis_has_lost_the_board_goes_on_from_the_one_that_it_showed() {
    let world = World::new().await;
    let (room, other) = (world.replica(), world.replica());
    let event = world.on_sale(&room, &steady()).await;
    last_of(&room, event, &fans(3)).await;
    room.tick_once().await;
    other.tick_once().await;
    let model = world.board(&other, event).await.eta;
    assert!(model.is_some());
    world.lose_redis(event).await;
    assert_eq!(world.ask::<u64>("DEL", &[world.names(event).board()]).await, 1);
    let before = world.epoch(event).await;
    world.silence().await;
    other.tick_once().await;
    assert!(world.epoch(event).await > before, "it has another owner");
    assert_eq!(world.board(&other, event).await.eta, model);
}

#[tokio::test]
async fn before_the_order_is_drawn_no_time_is_told() {
    let world = World::new().await;
    let room = world.replica();
    let event = world.lobby(&room, &steady()).await;
    room.join(event, fans(1)[0]).await.unwrap();
    room.tick_once().await;
    assert_eq!(world.board(&room, event).await.eta, None);
    world.start_sale(&room, event).await;
    room.tick_once().await;
    assert!(world.board(&room, event).await.eta.is_some());
}
