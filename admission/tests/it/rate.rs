//! The rate: a leaky bucket over every stretch of time, with any number of replicas.

use goticket_domain::EventId;
use goticket_domain::queue::{ControlChange, RoomSettings, WaitingRoom};

use crate::world::{World, fans, on_sale};

/// The first stretch of time in which more were admitted than `burst + rate · t`; times in ms. A script takes its time once,
/// so a millisecond's rounding is all that may be added.
fn overrun(mut times: Vec<u64>, rate_per_min: u64, burst: u64) -> Option<String> {
    times.sort_unstable();
    for first in 0..times.len() {
        for last in first..times.len() {
            let (count, passed_ms) = ((last - first + 1) as u64, times[last] - times[first] + 1);
            if count * 60_000 > burst * 60_000 + rate_per_min * passed_ms {
                return Some(format!("{count} within {passed_ms} ms"));
            }
        }
    }
    None
}

/// When everyone was admitted: claim windows begin then.
async fn times(world: &World, event: EventId, settings: &RoomSettings) -> Vec<u64> {
    let admitted: Vec<(Vec<u8>, u64)> =
        world.ask("ZRANGE", &[world.names(event).admitted(), "0".into(), "-1".into(), "WITHSCORES".into()]).await;
    admitted.into_iter().map(|(_, claim_by)| claim_by - u64::from(settings.claim_window_s) * 1_000).collect()
}

const SETTINGS: (u32, u32) = (60_000, 20);

async fn queue_of(world: &World, n: usize) -> (EventId, RoomSettings) {
    let room = world.replica();
    let settings = RoomSettings { rate_per_min: SETTINGS.0, burst: SETTINGS.1, active_cap: 1_000_000, ..RoomSettings::default() };
    let event = world.on_sale(&room, &settings).await;
    let joins = fans(n).into_iter().map(|fan| room.join(event, fan));
    for joined in futures::future::join_all(joins).await {
        joined.unwrap();
    }
    room.give_rooms_back().await;
    (event, settings)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_replicas_ticking_at_once_have_one_budget() {
    let world = World::new().await;
    let (event, settings) = queue_of(&world, 1_500).await;
    let replicas: Vec<_> = (0..3).map(|_| world.replica()).collect();
    let ticking = replicas.iter().map(|room| async move {
        for _ in 0..60 {
            room.tick_once().await;
        }
    });
    futures::future::join_all(ticking).await;
    let times = times(&world, event, &settings).await;
    assert!(times.len() > 30, "only {} were admitted: the test shows nothing", times.len());
    assert_eq!(overrun(times.clone(), SETTINGS.0.into(), SETTINGS.1.into()), None);
    assert!(overrun(times, u64::from(SETTINGS.0) / 100, 1).is_some(), "the measure can see an overrun");
}

#[tokio::test]
async fn a_bucket_that_is_refilled_by_anything_but_time_is_seen() {
    // The negative control of the test above: what a lost bucket that starts full would do. At one fan a minute nothing that a
    // test takes hides it.
    let world = World::new().await;
    let room = world.replica();
    let settings = RoomSettings { rate_per_min: 1, burst: 5, ..RoomSettings::default() };
    let event = world.on_sale(&room, &settings).await;
    for fan in fans(30) {
        room.join(event, fan).await.unwrap();
    }
    for bursts in 1..=3 {
        world.admit(&room, event).await;
        let times = times(&world, event, &settings).await;
        assert_eq!(times.len(), bursts * 5);
        assert_eq!(overrun(times, 1, 5).is_some(), bursts > 1);
    }
}

#[tokio::test]
async fn a_rate_of_zero_admits_nobody_and_a_new_rate_holds_at_once() {
    let (world, room, event) = on_sale(&RoomSettings { rate_per_min: 0, ..RoomSettings::default() }).await;
    room.join(event, fans(1)[0]).await.unwrap();
    world.clock_stood(event, 3_600_000).await;
    room.tick_once().await;
    assert_eq!(room.control(event).await.unwrap().admitted, 0);
    let change = ControlChange { rate_per_min: Some(600), reason: "go".into(), ..ControlChange::default() };
    world.set(&room, event, change).await;
    world.clock_stood(event, 1_000).await;
    world.successor().await.tick_once().await;
    assert_eq!(room.control(event).await.unwrap().admitted, 1);
}

#[tokio::test]
async fn a_clock_that_jumps_refills_at_most_the_burst_and_one_that_goes_back_nothing() {
    let world = World::new().await;
    let (event, _) = queue_of(&world, 200).await;
    let room = world.replica();
    world.empty_bucket(event).await;
    world.clock_stood(event, 86_400_000).await;
    room.tick_once().await;
    assert_eq!(room.control(event).await.unwrap().admitted, 20, "a day ahead: one burst");
    world.empty_bucket(event).await;
    world.clock_stood(event, -86_400_000).await;
    room.tick_once().await;
    assert_eq!(room.control(event).await.unwrap().admitted, 20, "a day back: no one");
    world.clock_stood(event, 50).await;
    room.tick_once().await;
    assert!(room.control(event).await.unwrap().admitted > 20, "and it goes on from there");
}

#[tokio::test]
async fn settings_that_are_out_of_date_admit_nobody() {
    let world = World::new().await;
    let (event, _) = queue_of(&world, 10).await;
    let (stale, room) = (world.replica(), world.replica());
    stale.share_rooms().await;
    stale.refresh_rooms().await;
    world.set(&room, event, ControlChange { rate_per_min: Some(0), reason: "stop".into(), ..ControlChange::default() }).await;
    world.empty_bucket(event).await;
    world.clock_stood(event, 60_000).await;
    stale.admit_all().await;
    assert_eq!(room.control(event).await.unwrap().admitted, 0);
}
