//! Many lobbies whose sales start at the same second.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use goticket_admission::app::schedule::DRAWS_AT_ONCE;
use goticket_domain::queue::{PlaceKind, RoomState, WaitingRoom};
use metrics::{Counter, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

use crate::world::{World, fans, generous};

/// The most draws that a replica had in hand, by its metrics.
#[derive(Default)]
struct Most {
    now: AtomicI64,
    most: AtomicI64,
}

impl GaugeFn for Most {
    fn increment(&self, _: f64) {
        self.most.fetch_max(self.now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    fn decrement(&self, _: f64) {
        self.now.fetch_sub(1, Ordering::Relaxed);
    }

    fn set(&self, _: f64) {}
}

struct Draws(Arc<Most>);

impl Recorder for Draws {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        if key.name() == "admission_draws" { Gauge::from_arc(Arc::clone(&self.0)) } else { Gauge::noop() }
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[tokio::test]
async fn lobbies_that_close_at_once_are_drawn_one_after_the_other() {
    let (world, most) = (World::new().await, Arc::new(Most::default()));
    let recorder = Draws(Arc::clone(&most));
    // Of this thread, which is the test's alone.
    let _recorded = metrics::set_default_local_recorder(&recorder);
    let room = world.replica();
    let mut events = Vec::new();
    for size in [9, 3, 6, 1, 8, 2, 5, 4] {
        let event = world.lobby(&room, &generous()).await;
        for fan in fans(size) {
            room.join(event, fan).await.unwrap();
        }
        events.push(event);
    }
    for event in &events {
        world.sale_is_due(*event).await;
    }
    room.refresh_rooms().await;
    // An operator opens one at the same time.
    futures::future::join(room.keep_schedule(), room.keep_schedule()).await;

    assert_eq!(most.most.load(Ordering::Relaxed), i64::try_from(DRAWS_AT_ONCE).unwrap());
    assert_eq!(most.now.load(Ordering::Relaxed), 0, "and none is left");
    for event in &events {
        let now = world.room(*event).await;
        assert_eq!(now.state, RoomState::Open);
        assert!(world.record(&room, *event).await.outcome.is_some());
        let late = room.join(*event, fans(1)[0]).await.unwrap();
        assert!(matches!(late.ticket.kind, PlaceKind::Late { .. }));
    }
    // All lobbies were closed before the first draw was done: no one joins a draw after its time. The smallest was first.
    let entries: Vec<(uuid::Uuid, i32)> = sqlx::query_as(
        "SELECT event, get_byte(entries, 0) FROM queue_log WHERE get_byte(entries, 0) IN (5, 6) ORDER BY at_ms, get_byte(entries, 0)",
    )
    .fetch_all(&world.pool)
    .await
    .unwrap();
    let (closed, drawn) = entries.split_at(events.len());
    assert!(closed.iter().all(|(_, kind)| *kind == 5) && drawn.iter().all(|(_, kind)| *kind == 6), "{entries:?}");
    assert_eq!(drawn[0].0, events[3].0);
}
