//! The outbox relay: nothing is skipped, nothing is lost, and of each event the order stands.

use std::collections::BTreeMap;

use goticket_contracts::events::DomainEvent;
use goticket_domain::{EventId, lane::LaneNo};
use goticket_storage::{
    lanes::leases::{self, Lease, Role},
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

/// Nobody was heard of for longer than the lease.
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
async fn two_relays_share_the_lanes_and_each_event_keeps_its_order() {
    let world = World::new().await;
    let (mut first, mut second) = (world.relay(), world.relay());
    let mut committed = Vec::new();
    for round in 0..6 {
        let more = facts(&world, 5);
        world.commit(&more).await;
        committed.extend(more);
        match round {
            1 | 5 => {
                share(&mut first, &mut second).await;
                let half = second.run_once().await.unwrap();
                assert_eq!((half.lanes, half.published), (2, 10), "round {round}");
            }
            // The second one goes without a word, and comes back as another member.
            3 => {
                second = world.relay();
                silence(&world.pool).await;
                first.share().await.unwrap();
                assert_eq!(first.run_once().await.unwrap().lanes, 4, "all are taken over");
            }
            _ => {}
        }
        tokio::join!(publish_all(&mut first), publish_all(&mut second));
    }
    share(&mut first, &mut second).await;
    tokio::join!(publish_all(&mut first), publish_all(&mut second));
    assert_eq!(world.unpublished().await, 0);
    assert_eq!(assert_told(&world, &committed).await, 0, "nothing twice, as lanes changed hands between batches only");
}

#[tokio::test]
async fn a_relay_that_dies_before_the_cursors_move_leaves_duplicates_with_the_same_ids_and_order() {
    let world = World::new().await;
    let committed = facts(&world, 10);
    world.commit(&committed).await;

    let mut doomed = world.relay();
    doomed.share().await.unwrap();
    let mut fence = world.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM outbox_cursors WHERE lane = 3 FOR UPDATE").execute(&mut *fence).await.unwrap();
    let dying = tokio::spawn(async move { doomed.run_once().await.map(|_| ()) });
    end_who_waits(&world.pool).await;
    dying.await.unwrap().unwrap_err();
    fence.rollback().await.unwrap();
    assert_eq!(world.unpublished().await, 40, "sent, but no cursor did move");

    let mut heir = world.relay();
    heir.share().await.unwrap();
    assert_eq!(heir.run_once().await.unwrap().lanes, 0, "as long as the lease lasts");
    silence(&world.pool).await;
    heir.share().await.unwrap();
    assert_eq!(publish_all(&mut heir).await, 40);
    assert_eq!(assert_told(&world, &committed).await, 40, "everything twice: it did die between sending and moving");
}

#[tokio::test]
async fn a_relay_that_loses_its_connection_reads_again_where_it_stands() {
    let world = World::new().await;
    let (first, second) = (facts(&world, 2), facts(&world, 2));
    world.commit(&first).await;
    let mut relay = world.relay();
    relay.share().await.unwrap();
    let mut fence = world.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM outbox_cursors WHERE lane = 0 FOR UPDATE").execute(&mut *fence).await.unwrap();
    let stepping = tokio::spawn(async move { (relay.run_once().await, relay) });
    end_who_waits(&world.pool).await;
    let (step, mut relay) = stepping.await.unwrap();
    step.unwrap_err();
    // As if the answer alone had been lost: the cursors did move.
    sqlx::query("UPDATE outbox_cursors c SET position = l.position FROM lanes l WHERE l.lane = c.lane")
        .execute(&mut *fence)
        .await
        .unwrap();
    fence.commit().await.unwrap();

    world.commit(&second).await;
    assert_eq!(publish_all(&mut relay).await, second.len());
    assert_eq!(assert_told(&world, &[first, second].concat()).await, 0);
}

#[tokio::test]
async fn a_paused_relay_that_comes_back_is_fenced() {
    let world = World::new().await;
    let first = facts(&world, 2);
    world.commit(&first).await;
    let mut relay = world.relay();
    relay.share().await.unwrap();
    // It stands still between its append and its cursors.
    let mut fence = world.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM outbox_cursors WHERE lane IN (1, 2) FOR UPDATE").execute(&mut *fence).await.unwrap();
    let pausing = tokio::spawn(async move { (relay.run_once().await.unwrap(), relay) });
    waiting_for_a_lock(&world.pool, 1).await;
    // Another relay has taken two of its lanes meanwhile, has published one of them, and hangs with the other.
    let other = Uuid::now_v7();
    sqlx::query("INSERT INTO lane_members VALUES ('relay', $1, now())").bind(other).execute(&mut *fence).await.unwrap();
    sqlx::query(
        "UPDATE outbox_cursors SET epoch = epoch + 1, owner = $1, position = CASE lane WHEN 1 THEN 2 ELSE 0 END WHERE lane IN (1, 2)",
    )
    .bind(other)
    .execute(&mut *fence)
    .await
    .unwrap();
    fence.commit().await.unwrap();
    let (step, mut relay) = pausing.await.unwrap();
    assert_eq!(step, Step { lanes: 2, published: 4, fenced: 2, stopped: 0 });
    assert_eq!(world.unpublished().await, 2, "it did not move the other's cursors");

    let second = facts(&world, 1);
    world.commit(&second).await;
    assert_eq!(publish_all(&mut relay).await, 2, "and goes on with its own lanes only");
    silence(&world.pool).await;
    relay.share().await.unwrap();
    assert_eq!(publish_all(&mut relay).await, 4, "or the other's, where those stand, once nobody hears of it");
    assert_eq!(assert_told(&world, &[first, second].concat()).await, 2);
}

#[tokio::test]
async fn a_relay_that_hangs_loses_its_lanes_after_the_lease() {
    let (bed, links) = TestBed::behind_links().await;
    let world = World::on(bed).await;
    // Past the link that goes silent.
    let around = TestBed::new().await;
    let mut kafka = world.config.kafka.clone();
    kafka.brokers.clone_from(&around.kafka_brokers);
    let (mut hangs, mut other) = (world.relay(), world.relay_to(&kafka));
    let first = facts(&world, 5);
    world.commit(&first).await;
    assert_eq!(publish_all(&mut hangs).await, 20);

    links.kafka.hush();
    let second = facts(&world, 5);
    world.commit(&second).await;
    let hanging = step_apart(hangs).await;
    other.share().await.unwrap();
    assert_eq!(publish_all(&mut other).await, 0, "not as long as the lease lasts");
    silence(&world.pool).await;
    other.share().await.unwrap();
    assert_eq!(publish_all(&mut other).await, 20);
    let third = facts(&world, 5);
    world.commit(&third).await;
    assert_eq!(publish_all(&mut other).await, 20);

    // Now what it had in hand arrives, behind all of that.
    links.kafka.restore();
    let (step, _) = hanging.await.unwrap();
    assert_eq!((step.published, step.fenced), (0, 4));
    assert_eq!(assert_told(&world, &[first, second, third].concat()).await, 20, "twice, and in order");
}

#[tokio::test]
async fn a_gap_stops_its_lane_and_no_other() {
    let world = World::new().await;
    let committed = facts(&world, 4);
    world.commit(&committed).await;
    // The third of lane 2 has vanished.
    let mut db = world.pool.acquire().await.unwrap();
    sqlx::raw_sql(
        "CREATE TABLE vanished AS SELECT * FROM outbox WHERE lane = 2 AND position = 3;
         DELETE FROM outbox WHERE lane = 2 AND position = 3",
    )
    .execute(&mut *db)
    .await
    .unwrap();

    let mut relay = world.relay();
    assert_eq!(publish_all(&mut relay).await, 14, "what lies before the gap, and all of the other lanes");
    assert_eq!(relay.run_once().await.unwrap(), Step { lanes: 4, published: 0, fenced: 0, stopped: 1 });
    let more = facts(&world, 1);
    world.commit(&more).await;
    assert_eq!(publish_all(&mut relay).await, 3);
    let late = outbox::oldest_unpublished(&mut db).await.unwrap();
    assert!(late.is_positive(), "the alarm sees it");

    sqlx::query("INSERT INTO outbox SELECT * FROM vanished").execute(&mut *db).await.unwrap();
    drop(relay);
    silence(&world.pool).await;
    assert_eq!(publish_all(&mut world.relay()).await, 3, "put right, it goes on where it stood");
    assert_eq!(assert_told(&world, &[committed, more].concat()).await, 0);
    assert!(outbox::oldest_unpublished(&mut db).await.unwrap().is_zero());
}

/// Takes every lane, and reads what comes next.
async fn next_lanes(db: &mut PgConnection, limit: u32) -> BTreeMap<u16, usize> {
    let free: Vec<Lease> = leases::all(db, Role::Relay).await.unwrap().into_iter().map(|owned| owned.lease).collect();
    let taken = leases::take(db, Role::Relay, Uuid::now_v7(), &free, free.len()).await.unwrap();
    let cursors: Vec<Cursor> = outbox::cursors(db, &taken).await.unwrap();
    assert_eq!(cursors.len(), 4);
    let batch = outbox::next_rows(db, &cursors, limit).await.unwrap();
    assert_eq!(batch.gaps, []);
    let mut counts = BTreeMap::new();
    for row in batch.rows {
        *counts.entry(row.lane.0).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn a_lane_that_is_far_behind_leaves_the_others_their_part() {
    let world = World::new().await;
    let mut db = world.pool.acquire().await.unwrap();
    for (lane, rows) in [(0, 3_000), (1, 10), (3, 600)] {
        let event = event_in(lane);
        world.commit(&(0..rows).map(|_| world.some(event)).collect::<Vec<_>>()).await;
    }
    let rows: [(u32, &[(u16, usize)]); 5] = [
        (500, &[(0, 245), (1, 10), (3, 245)]),
        (2_000, &[(0, 1_390), (1, 10), (3, 600)]),
        (5_000, &[(0, 3_000), (1, 10), (3, 600)]),
        (9, &[(0, 3), (1, 3), (3, 3)]),
        // Fewer than there are lanes: one of each.
        (1, &[(0, 1), (1, 1), (3, 1)]),
    ];
    for (limit, expected) in rows {
        assert_eq!(next_lanes(&mut db, limit).await, expected.iter().copied().collect(), "{limit}");
    }
}

/// Rows of the outbox that this connection has read: by sequential scans, and by indexes.
async fn rows_read(db: &mut PgConnection) -> (i64, i64) {
    sqlx::query("SELECT pg_stat_force_next_flush()").execute(&mut *db).await.unwrap();
    sqlx::query_as(
        "SELECT (SELECT sum(seq_tup_read)::bigint FROM pg_stat_user_tables WHERE relname LIKE 'outbox\\_%' AND relname <> 'outbox_cursors'),
                (SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes WHERE relname LIKE 'outbox\\_%' AND relname <> 'outbox_cursors')",
    )
    .fetch_one(db)
    .await
    .unwrap()
}

#[tokio::test]
async fn plans_made_for_an_empty_outbox_still_find_rows_by_their_position() {
    let world = World::new().await;
    let mut db = world.pool.acquire().await.unwrap();
    goticket_storage::outbox::partitions::housekeeping(&mut db, 3, 14).await.unwrap();
    sqlx::query("ANALYZE outbox").execute(&mut *db).await.unwrap();
    for _ in 0..10 {
        assert_eq!(next_lanes(&mut db, 500).await, BTreeMap::new());
        outbox::oldest_unpublished(&mut db).await.unwrap();
    }

    let (many, few) = (event_in(0), event_in(1));
    world.commit(&(0..5_000).map(|_| world.some(many)).collect::<Vec<_>>()).await;
    sqlx::query("UPDATE outbox_cursors SET position = 4000 WHERE lane = 0").execute(&mut *db).await.unwrap();
    world.commit(&(0..10).map(|_| world.some(few)).collect::<Vec<_>>()).await;
    let before = rows_read(&mut db).await;
    assert_eq!(next_lanes(&mut db, 100).await, BTreeMap::from([(0, 90), (1, 10)]));
    outbox::oldest_unpublished(&mut db).await.unwrap();
    let after = rows_read(&mut db).await;
    assert_eq!(after.0 - before.0, 0, "none by scanning");
    let looked_up = after.1 - before.1;
    assert!((100..200).contains(&looked_up), "{looked_up} rows were read for a hundred and two");
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

mod keeping_house {
    use goticket_storage::outbox::partitions::housekeeping;

    use super::*;

    const OLD_DAY: &str = "CREATE TABLE outbox_d20200229 (LIKE outbox INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
         ALTER TABLE outbox ATTACH PARTITION outbox_d20200229 FOR VALUES FROM ('2020-02-29 00:00Z') TO ('2020-03-01 00:00Z')";

    async fn date_back(db: &mut PgConnection, lane: i16) {
        let date = "UPDATE outbox SET written_at = '2020-02-29 12:00Z' WHERE lane = $1";
        sqlx::query(date).bind(lane).execute(db).await.unwrap();
    }

    #[tokio::test]
    async fn the_outbox_gets_its_days_ahead_and_drops_old_ones_only_when_published() {
        let world = World::new().await;
        let mut db = world.pool.acquire().await.unwrap();
        // Before the first round, rows of today lie in the overflow partition: that day gets no partition of its own.
        world.commit(&[world.some(event_in(0))]).await;
        let done = housekeeping(&mut db, 2, 14).await.unwrap();
        assert_eq!((done.made.len(), done.left.len()), (2, 1), "{done:?}");
        assert_eq!(housekeeping(&mut db, 2, 14).await.unwrap().made.len(), 0, "a second round finds them");

        sqlx::raw_sql(OLD_DAY).execute(&mut *db).await.unwrap();
        let old = [world.some(event_in(2)), world.some(event_in(3))];
        world.commit(&old).await;
        date_back(&mut db, 2).await;
        date_back(&mut db, 3).await;
        let done = housekeeping(&mut db, 2, 14).await.unwrap();
        assert_eq!(done.dropped.len(), 0, "it has rows that nobody published: {done:?}");
        sqlx::query("UPDATE outbox_cursors SET position = 1 WHERE lane = 2").execute(&mut *db).await.unwrap();
        let done = housekeeping(&mut db, 2, 14).await.unwrap();
        assert_eq!(done.dropped.len(), 0, "of one lane, still: {done:?}");

        world.drain(&mut world.relay()).await;
        assert_eq!(housekeeping(&mut db, 2, 14).await.unwrap().dropped, ["outbox_d20200229"]);
        assert!(world.published_of(old[1].subject).await.contains(&old[1].id));
    }

    #[tokio::test]
    async fn old_rows_that_no_day_took_are_deleted_a_few_at_a_time_once_they_are_published() {
        let world = World::new().await;
        let mut db = world.pool.acquire().await.unwrap();
        let overflow = "SELECT coalesce(array_agg(lane || ':' || n ORDER BY lane), '{}') FROM (
                            SELECT lane, count(*) AS n FROM outbox_overflow GROUP BY lane) lanes";
        for (lane, rows) in [(0, 3), (1, 6_000), (2, 3)] {
            let event = event_in(lane);
            world.commit(&(0..rows).map(|_| world.some(event)).collect::<Vec<_>>()).await;
        }
        date_back(&mut db, 1).await;
        date_back(&mut db, 2).await;
        // Lane 2 is published up to its second row.
        sqlx::query(
            "UPDATE outbox_cursors c SET position = least(l.position, 2) FROM lanes l WHERE l.lane = c.lane AND c.lane = 2",
        )
        .execute(&mut *db)
        .await
        .unwrap();
        sqlx::query("UPDATE outbox_cursors SET position = 6000 WHERE lane = 1").execute(&mut *db).await.unwrap();
        assert_eq!(housekeeping(&mut db, 1, 14).await.unwrap().deleted, 5_002, "ten times as many as one lane may");
        let left: Vec<String> = sqlx::query_scalar(overflow).fetch_one(&mut *db).await.unwrap();
        assert_eq!(left, ["0:3", "1:1000", "2:1"]);
        assert_eq!(housekeeping(&mut db, 1, 14).await.unwrap().deleted, 1_000);
        assert_eq!(housekeeping(&mut db, 1, 14).await.unwrap().deleted, 0, "what is new, or not published, stays");
    }
}
