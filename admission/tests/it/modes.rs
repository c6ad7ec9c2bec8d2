//! How a room lets fans in: all of them and measured, or at once while few come.

use std::sync::Arc;
use std::time::Duration;

use goticket_admission::WaitingRoomService;
use goticket_domain::AccountId;
use goticket_domain::queue::{
    AtOnce, ControlChange, HeldUp, JoinedPlace, Location, RoomMode, RoomSettings, WaitingRoom, WhenDown,
};
use goticket_testkit::{TestBed, eventually};

use crate::world::{World, fans, generous, on_sale};

const SOON: Duration = Duration::from_secs(20);

/// Nearly no one may come in.
fn strict() -> RoomSettings {
    RoomSettings { rate_per_min: 60, burst: 1, active_cap: 5, ..RoomSettings::default() }
}

#[tokio::test]
async fn a_shadow_room_lets_everyone_in_and_says_how_many_would_wait() {
    let (world, room, event) = on_sale(&RoomSettings { mode: RoomMode::Shadow, ..strict() }).await;
    // What is left to sell holds no one up either.
    let availability = world.names(event).availability();
    let _: u64 = world.ask("HSET", &[availability.as_str(), "free:0", "3", "held:0", "0"]).await;
    room.tick_once().await;
    for fan in fans(50) {
        room.join(event, fan).await.unwrap();
    }
    world.admit(&room, event).await;
    let board = world.board(&room, event).await;
    assert_eq!((board.waiting, board.admitted, board.held_up_by), (0, 50, None));
    let shadow = board.shadow.expect("it is measured");
    assert!((45..=50).contains(&shadow.waiting), "one a second would be let in: {shadow:?}");
    assert_eq!(room.control(event).await.unwrap().would_wait, Some(shadow.waiting));

    // Whoever takes over goes on from it.
    let successor = world.successor().await;
    successor.tick_once().await;
    let after = world.board(&successor, event).await.shadow.expect("it is measured");
    assert!(after.waiting <= shadow.waiting && after.waiting >= 40 && after.longest >= shadow.longest, "{after:?}");

    let change = ControlChange { mode: Some(RoomMode::Queue), reason: "it held".into(), ..ControlChange::default() };
    world.set(&successor, event, change).await;
    let ticket = successor.join(event, AccountId::generate()).await.unwrap().ticket;
    successor.tick_once().await;
    let board = world.board(&successor, event).await;
    assert!(matches!(board.locate(&ticket), Location::Waiting { ahead: 0, .. }), "what is set is in force");
    assert_eq!((board.shadow, board.held_up_by), (None, Some(HeldUp::SeatsHeld)));
    assert_eq!(successor.log(event, None, 1).await.unwrap()[0].change, r#"{"mode":["shadow","queue"]}"#);
}

#[tokio::test]
async fn who_joins_while_few_come_has_their_turn_with_it_at_whichever_replica() {
    let world = World::on(TestBed::new().await, &[("ADMISSION__TICK_MS", "5000")]).await;
    let room = world.replica();
    let event = world.on_sale(&room, &RoomSettings { open_below: Some(1_000), active_cap: 1_000, ..generous() }).await;
    room.give_rooms_back().await;
    let (one, other) = (world.start(&world.running), world.start(&world.running));
    let join = async |room: &Arc<WaitingRoomService>| -> JoinedPlace { room.join(event, AccountId::generate()).await.unwrap() };
    for room in [&one.0, &other.0] {
        // Of the two one owns the room. Both have to be there first.
        let joined = eventually("a turn with the join", SOON, async || Some(join(room).await).filter(|joined| joined.turn)).await;
        let board = world.board(room, event).await;
        assert_eq!(board.locate(&joined.ticket), Location::Turn);
        room.claim(event, joined.ticket.account, &joined.signed).await.unwrap();
    }

    let inside = u32::try_from(one.0.control(event).await.unwrap().active).unwrap();
    let set = async |change| world.set(&one.0, event, change).await;
    set(ControlChange { active_cap: Some(inside), ..ControlChange::default() }).await;
    assert!(!join(&one.0).await.turn, "the cap holds for them as for anyone");
    set(ControlChange { active_cap: Some(1_000), open_below: Some(AtOnce::Never), ..ControlChange::default() }).await;
    assert!(!join(&one.0).await.turn, "turns come with the ticks");
    for (_, shutdown) in [one, other] {
        shutdown.drain(SOON).await.unwrap();
    }
}

#[tokio::test]
async fn what_operators_choose_for_an_outage_stands_on_every_board_before_it() {
    let (world, room, event) = on_sale(&generous()).await;
    room.tick_once().await;
    let usual = world.board(&room, event).await;
    assert_eq!((usual.when_down, serde_json::to_value(&usual).unwrap().get("when_down")), (WhenDown::FailClosed, None));
    world.set(&room, event, ControlChange { when_down: Some(WhenDown::FailOpen), ..ControlChange::default() }).await;
    room.tick_once().await;
    assert_eq!(world.board(&room, event).await.when_down, WhenDown::FailOpen);
    assert_eq!(room.control(event).await.unwrap().settings.when_down, WhenDown::FailOpen);
}
