//! The automatic rate: moved by the room's owner with the booking pipeline, in force and shown everywhere.

use goticket_domain::queue::{AutoChange, AutoLimits, AutoRate, ControlChange, Health, RoomSettings, WaitingRoom};
use goticket_storage::rooms;

use crate::world::{World, fans, generous, on_sale};

const LIMITS: AutoLimits = AutoLimits { low_per_min: 600, high_per_min: 6_600 };
const CALM: Health = Health { queue_age_ms: 0, commit_ms: 0, errors_per_million: 0 };

fn auto() -> RoomSettings {
    RoomSettings { rate_per_min: 5, auto: Some(LIMITS), ..generous() }
}

fn change() -> ControlChange {
    ControlChange { reason: "test".into(), ..ControlChange::default() }
}

#[tokio::test]
async fn the_rate_follows_the_pipeline_and_everyone_sees_where_it_stands() {
    let world = World::new().await;
    let (room, other) = (world.replica(), world.replica());
    let event = world.on_sale(&room, &auto()).await;
    assert_eq!(other.control(event).await.unwrap().rate_in_force_per_min, 3_600, "before it was moved");
    room.tick_once().await;
    for (what, says, stands, expected) in [
        ("calm", Some(CALM), 1_000, 1_020),
        ("neither", Some(Health { queue_age_ms: 500, ..CALM }), 1_000, 1_000),
        ("a queue that gets older", Some(Health { queue_age_ms: 2_000, ..CALM }), 2_000, 1_400),
        ("slow commits", Some(Health { commit_ms: 250, ..CALM }), 3_000, 2_100),
        ("errors", Some(Health { errors_per_million: 10_000, ..CALM }), 4_000, 2_800),
        ("silent", None, 1_000, 1_000),
        ("at its upper limit", Some(CALM), 6_600, 6_600),
        ("at its lower limit", Some(Health { commit_ms: 250, ..CALM }), 600, 600),
    ] {
        world.pipeline_says(says).await;
        world.rate_stands_at(event, stands).await;
        room.tick_once().await;
        other.tick_once().await;
        let control = other.control(event).await.unwrap();
        assert_eq!((control.rate_in_force_per_min, control.pipeline), (expected, says), "{what}");
        assert_eq!(control.settings.rate_per_min, 5, "{what}");
        assert_eq!(world.board(&other, event).await.rate_per_min, expected, "{what}");
    }
}

#[tokio::test]
async fn fans_are_admitted_by_the_rate_in_force() {
    let limits = AutoLimits { low_per_min: 60_000, high_per_min: 60_000 };
    let (world, room, event) = on_sale(&RoomSettings { rate_per_min: 0, auto: Some(limits), ..generous() }).await;
    for fan in fans(30) {
        room.join(event, fan).await.unwrap();
    }
    world.clock_stood(event, 30_000).await;
    room.tick_once().await;
    assert_eq!(room.control(event).await.unwrap().admitted, 30);
}

#[tokio::test]
async fn a_successor_goes_on_where_the_rate_stands_and_who_was_replaced_moves_nothing() {
    let (world, room, event) = on_sale(&auto()).await;
    world.pipeline_says(Some(Health { commit_ms: 250, ..CALM })).await;
    room.tick_once().await;
    world.rate_stands_at(event, 2_000).await;
    room.tick_once().await;
    let epoch = world.epoch(event).await;
    let next = world.successor().await;
    next.tick_once().await;
    assert!(world.epoch(event).await > epoch);
    assert_eq!(
        next.control(event).await.unwrap().rate_in_force_per_min,
        1_400,
        "a cut is given its time by whoever owns the room"
    );
    room.tick_once().await;
    let late = rooms::save_rate(&world.pool, event, epoch, AutoRate::resume(6_000, 0)).await.unwrap();
    assert!(!late, "the epoch is over");
    assert_eq!(next.control(event).await.unwrap().rate_in_force_per_min, 1_400);
}

#[tokio::test]
async fn operators_begin_and_end_it_and_the_log_says_so() {
    let (world, room, event) = on_sale(&RoomSettings { rate_per_min: 120, ..generous() }).await;
    world.pipeline_says(Some(CALM)).await;
    let shown = async || {
        let control = room.control(event).await.unwrap();
        (control.settings.auto, control.rate_in_force_per_min)
    };
    let between = Some(AutoChange::Between(LIMITS));
    assert_eq!(shown().await, (None, 120));
    world.set(&room, event, ControlChange { auto: between, ..change() }).await;
    room.tick_once().await;
    world.rate_stands_at(event, 5_000).await;
    assert_eq!(shown().await, (Some(LIMITS), 5_000));
    world.set(&room, event, ControlChange { message: Some("soon".into()), ..change() }).await;
    assert_eq!(shown().await, (Some(LIMITS), 5_000), "it is not touched by what else is set");
    let narrow = AutoLimits { low_per_min: 60, high_per_min: 900 };
    world.set(&room, event, ControlChange { auto: Some(AutoChange::Between(narrow)), ..change() }).await;
    assert_eq!(shown().await, (Some(narrow), 900), "new limits are kept at once");
    world.set(&room, event, ControlChange { auto: Some(AutoChange::Off), ..change() }).await;
    room.tick_once().await;
    assert_eq!(shown().await, (None, 120));
    world.set(&room, event, ControlChange { auto: between, ..change() }).await;
    assert_eq!(shown().await, (Some(LIMITS), 3_600), "it begins again");
    world.set(&room, event, ControlChange { rate_per_min: Some(30), ..change() }).await;
    assert_eq!(shown().await, (None, 30), "whoever sets a rate means it");
    let log = room.log(event, None, 2).await.unwrap();
    let limits = r#"{"high_per_min":6600,"low_per_min":600}"#;
    assert_eq!(log[0].change, format!(r#"{{"auto":[{limits},null],"rate_per_min":[120,30]}}"#));
    assert_eq!(log[1].change, format!(r#"{{"auto":[null,{limits}]}}"#));
}
