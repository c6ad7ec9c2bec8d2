//! The outbox relay: nothing is skipped, nothing is lost, and of each event the order stands.

mod keeping_house;
mod reading;
mod sharing;

use std::collections::BTreeMap;

use goticket_contracts::events::DomainEvent;
use goticket_domain::{EventId, lane::LaneNo};
use goticket_storage::{
    leases::{self, Lease, Role},
    outbox::relay::{self as outbox, Cursor},
};
use goticket_testkit::{TestBed, eventually};
use goticket_workers::app::relay::{Relay, Step};
use sqlx::{PgConnection, PgPool};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::world::{PATIENCE, World, lanes, tell};

/// As a consumer that skips what it has seen reads it.
fn first_seen(published: &[Uuid]) -> Vec<Uuid> {
    let mut seen = Vec::new();
    for id in published {
        if !seen.contains(id) {
            seen.push(*id);
        }
    }
    seen
}

/// Some event of that lane.
fn event_in(lane: u16) -> EventId {
    std::iter::repeat_with(EventId::generate).find(|event| lanes().of(*event) == LaneNo(lane)).unwrap()
}

/// So many facts about one event of each lane, taking turns.
fn facts(world: &World, rounds: usize) -> Vec<DomainEvent> {
    let events: Vec<EventId> = (0..lanes().get()).map(event_in).collect();
    (0..rounds).flat_map(|_| events.clone()).map(|event| world.some(event)).collect()
}

/// What a consumer reads of each event is what was committed, in its order; returns how many of all rows it had seen before.
async fn assert_told(world: &World, committed: &[DomainEvent]) -> usize {
    let mut expected: BTreeMap<String, Vec<Uuid>> = BTreeMap::new();
    for event in committed {
        expected.entry(event.subject.to_string()).or_default().push(event.id);
    }
    let published = world.published().await;
    let seen: BTreeMap<String, Vec<Uuid>> = published.iter().map(|(event, ids)| (event.clone(), first_seen(ids))).collect();
    assert_eq!(seen, expected);
    published.values().map(Vec::len).sum::<usize>() - committed.len()
}

/// Waits until `count` sessions wait for a lock.
async fn waiting_for_a_lock(pool: &PgPool, count: i64) {
    eventually("sessions wait for a lock", PATIENCE, || async {
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let waits: i64 = sqlx::query_scalar(waits).fetch_one(pool).await.unwrap();
        (waits == count).then_some(())
    })
    .await;
}

/// Ends the sessions that wait for a lock, as the death of their process does.
async fn end_who_waits(pool: &PgPool) {
    waiting_for_a_lock(pool, 1).await;
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    )
    .execute(pool)
    .await
    .unwrap();
}

/// No one was heard of for longer than the lease.
async fn silence(pool: &PgPool) {
    let done = sqlx::query("UPDATE lane_members SET seen_at = seen_at - interval '1 minute' WHERE role = 'relay'");
    assert!(done.execute(pool).await.unwrap().rows_affected() > 0);
}

/// Lets two relays share the lanes evenly.
async fn share(first: &mut Relay, second: &mut Relay) {
    // The second is seen by the first, which gives half back.
    for _ in 0..2 {
        first.share().await.unwrap();
        second.share().await.unwrap();
    }
}

/// Steps until it has published everything it has, and returns how many rows those were.
async fn publish_all(relay: &mut Relay) -> usize {
    let mut published = 0;
    loop {
        match relay.run_once().await.unwrap() {
            Step { published: 0, fenced: 0, .. } => return published,
            step => published += step.published,
        }
    }
}

/// Steps it once, elsewhere, after it has got its lanes; it then waits for whatever is in the way.
async fn step_apart(mut relay: Relay) -> JoinHandle<(Step, Relay)> {
    relay.share().await.unwrap();
    tokio::spawn(async move { (relay.run_once().await.unwrap(), relay) })
}

#[tokio::test]
async fn a_transaction_that_commits_late_is_not_skipped() {
    let world = World::new().await;
    let (event, other) = (event_in(0), event_in(1));
    let [late, behind, beside] = [world.some(event), world.some(event), world.some(other)];
    let mut relay = world.relay();
    assert_eq!(publish_all(&mut relay).await, 0);

    let mut open = world.pool.begin().await.unwrap();
    tell(&mut open, LaneNo(0), std::slice::from_ref(&late)).await;
    let next = tokio::spawn({
        let (pool, behind) = (world.pool.clone(), behind.clone());
        async move {
            let mut tx = pool.begin().await.unwrap();
            sqlx::query("SET LOCAL lock_timeout = '1min'").execute(&mut *tx).await.unwrap();
            tell(&mut tx, LaneNo(0), &[behind]).await;
            tx.commit().await.unwrap();
        }
    });
    // It was to be told later, and cannot be committed before the first one is.
    waiting_for_a_lock(&world.pool, 1).await;
    world.commit(std::slice::from_ref(&beside)).await;
    assert_eq!(publish_all(&mut relay).await, 1, "the other lanes go on");

    open.commit().await.unwrap();
    next.await.unwrap();
    assert_eq!(publish_all(&mut relay).await, 2);
    assert_eq!(assert_told(&world, &[late, behind, beside]).await, 0);
}

#[tokio::test]
async fn a_transaction_that_stays_open_stalls_nobody() {
    let world = World::new().await;
    let mut relay = world.relay();
    let mut open = world.pool.begin().await.unwrap();
    let id: String = sqlx::query_scalar("SELECT pg_current_xact_id()::text").fetch_one(&mut *open).await.unwrap();
    let committed = facts(&world, 3);
    world.commit(&committed).await;

    // The negative control: whoever reads only what lies below every transaction that runs sees none of it.
    let below_the_horizon =
        "SELECT count(*) FROM outbox WHERE xmin::text::bigint < pg_snapshot_xmin(pg_current_snapshot())::text::bigint";
    let seen: i64 = sqlx::query_scalar(below_the_horizon).fetch_one(&world.pool).await.unwrap();
    assert_eq!(seen, 0, "transaction {id} is open");

    assert_eq!(publish_all(&mut relay).await, committed.len());
    assert_eq!(assert_told(&world, &committed).await, 0);
    open.rollback().await.unwrap();
}

#[tokio::test]
async fn kafka_away_costs_time_and_nothing_else() {
    let (bed, links) = TestBed::behind_links().await;
    let world = World::on(bed).await;
    let stop = CancellationToken::new();
    let relaying = tokio::spawn(world.relay().run(stop.clone()));

    let mut committed = Vec::new();
    for round in 0..30 {
        match round {
            10 => {
                links.kafka.cut();
            }
            20 => {
                eventually("domain events are held back", PATIENCE, || async {
                    let mut db = world.pool.acquire().await.unwrap();
                    let age = outbox::oldest_unpublished(&mut db).await.unwrap();
                    (age.as_millis() > 3_000).then_some(())
                })
                .await;
                links.kafka.restore();
            }
            _ => {}
        }
        let events = facts(&world, 5);
        world.commit(&events).await;
        committed.extend(events);
    }
    eventually("everything is published", PATIENCE, || async { (world.unpublished().await == 0).then_some(()) }).await;
    stop.cancel();
    relaying.await.unwrap();
    assert_told(&world, &committed).await;
    let members = "SELECT count(*) FROM lane_members m FULL JOIN outbox_cursors c ON c.owner = m.member WHERE m.member IS NOT NULL OR c.owner IS NOT NULL";
    let members: i64 = sqlx::query_scalar(members).fetch_one(&world.pool).await.unwrap();
    assert_eq!(members, 0, "it gave everything back");
}
