//! The outbox relay: nothing is skipped, nothing is lost, and of each event the order stands.

use goticket_contracts::events::DomainEvent;
use goticket_domain::EventId;
use goticket_storage::outbox::{relay as outbox, write::insert_events};
use goticket_testkit::{TestBed, eventually};
use goticket_workers::app::relay::{Relay, RelayError, Step};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::world::{PATIENCE, World};

fn ids(events: &[DomainEvent]) -> Vec<Uuid> {
    events.iter().map(|event| event.id).collect()
}

/// As a consumer that skips what he has seen reads it.
fn first_seen(published: &[Uuid]) -> Vec<Uuid> {
    let mut seen = Vec::new();
    for id in published {
        if !seen.contains(id) {
            seen.push(*id);
        }
    }
    seen
}

async fn visible_after(pool: &PgPool, sequence: i64) -> Vec<(Uuid, i64)> {
    let sql = "SELECT id, sequence FROM outbox WHERE sequence > $1 ORDER BY sequence";
    sqlx::query_as(sql).bind(sequence).fetch_all(pool).await.unwrap()
}

/// Ends the sessions that wait for a lock, as the death of their process does.
async fn end_who_waits(pool: &PgPool) {
    eventually("a session waits for the lock", PATIENCE, || async {
        let ended: Vec<(bool,)> = sqlx::query_as(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        .fetch_all(pool)
        .await
        .unwrap();
        (!ended.is_empty()).then_some(())
    })
    .await;
}

/// Ends the leader's session, as a cut network does.
async fn end_who_leads(pool: &PgPool) {
    let ended: Vec<(bool,)> = sqlx::query_as(
        "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
         WHERE l.locktype = 'advisory' AND l.granted AND d.datname = current_database() AND l.objid = 0",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    assert_eq!(ended.len(), 1, "one relay leads");
}

async fn step_until(relay: &mut Relay, wanted: impl Fn(&Result<Step, RelayError>) -> bool) {
    let relay = tokio::sync::Mutex::new(relay);
    eventually("the relay gets there", PATIENCE, || async { wanted(&relay.lock().await.run_once().await).then_some(()) }).await;
}

#[tokio::test]
async fn a_transaction_that_commits_late_is_not_skipped() {
    let world = World::new().await;
    let (late, early) = (world.some(world.event), world.some(world.event));
    let mut relay = world.relay();

    let mut open = world.pool.begin().await.unwrap();
    insert_events(&mut open, std::slice::from_ref(&late)).await.unwrap();
    world.commit(std::slice::from_ref(&early)).await;
    // What a relay that goes by the sequence alone would have read by now.
    let read_by_sequence = visible_after(&world.pool, 0).await;
    assert_eq!(read_by_sequence.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [early.id]);

    step_until(&mut relay, |step| matches!(step, Ok(Step::Idle))).await;
    assert_eq!(world.unpublished().await, 1, "what was committed first waits for the one that could still come before it");
    let mut db = world.pool.acquire().await.unwrap();
    let held_back = eventually("the alarm sees it", PATIENCE, || {
        let pool = world.pool.clone();
        async move {
            let mut db = pool.acquire().await.unwrap();
            let age = outbox::oldest_unpublished(&mut db, 0).await.unwrap();
            (age.as_millis() > 100).then_some(age)
        }
    });
    held_back.await;

    open.commit().await.unwrap();
    world.drain(&mut relay).await;
    assert_eq!(world.published_of(world.event).await, ids(&[late.clone(), early]), "in the order of the transactions");
    assert!(outbox::oldest_unpublished(&mut db, 0).await.unwrap().is_zero());

    // The negative control: by the sequence alone the late one is gone for good.
    let after_last = visible_after(&world.pool, read_by_sequence[0].1).await;
    assert!(after_last.iter().all(|(id, _)| *id != late.id));
}

#[tokio::test]
async fn a_relay_that_dies_before_the_cursor_moves_leaves_duplicates_with_the_same_ids_and_order() {
    let world = World::new().await;
    let other = EventId::generate();
    let events: Vec<DomainEvent> = (0..40).map(|n| world.some(if n % 2 == 0 { world.event } else { other })).collect();
    world.commit(&events).await;

    let mut fence = world.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM outbox_cursors WHERE shard = 0 FOR UPDATE").execute(&mut *fence).await.unwrap();
    let mut doomed = world.relay();
    let dying = tokio::spawn(async move {
        // Idle for as long as other databases' transactions hold the horizon.
        while let Ok(Step::Idle | Step::Standby) = doomed.run_once().await {}
    });
    end_who_waits(&world.pool).await;
    dying.await.unwrap();
    fence.rollback().await.unwrap();
    assert_eq!(world.unpublished().await, 40, "sent, but the cursor did not move");

    world.drain(&mut world.relay()).await;
    let published = world.published().await;
    for event in [world.event, other] {
        let wanted: Vec<Uuid> = events.iter().filter(|e| e.subject == event).map(|e| e.id).collect();
        let got = &published[&event.to_string()];
        assert_eq!(got.len(), 2 * wanted.len(), "everything twice: it did die between sending and moving");
        assert_eq!(first_seen(got), wanted);
    }
}

#[tokio::test]
async fn a_relay_whose_cursor_was_moved_by_another_steps_back() {
    let world = World::new().await;
    world.commit(&[world.some(world.event)]).await;
    let mut fence = world.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM outbox_cursors WHERE shard = 0 FOR UPDATE").execute(&mut *fence).await.unwrap();
    let mut paused = world.relay();
    let pausing = tokio::spawn(async move {
        loop {
            match paused.run_once().await.unwrap() {
                Step::Idle | Step::Standby => {}
                step => return (step, paused),
            }
        }
    });
    eventually("it waits at the cursor", PATIENCE, || async {
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let waits: i64 = sqlx::query_scalar(waits).fetch_one(&world.pool).await.unwrap();
        (waits > 0).then_some(())
    })
    .await;
    // The other relay.
    sqlx::query("UPDATE outbox_cursors c SET xid = o.xid, sequence = o.sequence FROM outbox o WHERE c.shard = 0")
        .execute(&mut *fence)
        .await
        .unwrap();
    fence.commit().await.unwrap();
    let (step, mut paused) = pausing.await.unwrap();
    assert_eq!(step, Step::SteppedBack);

    let later = world.some(world.event);
    world.commit(std::slice::from_ref(&later)).await;
    world.drain(&mut paused).await;
    assert_eq!(world.published_of(world.event).await.last(), Some(&later.id), "and goes on from where the other one stood");
}

#[tokio::test]
async fn of_two_relays_one_leads_and_the_other_takes_over() {
    let world = World::new().await;
    let (mut first, mut second) = (world.relay(), world.relay());
    let before = [world.some(world.event), world.some(world.event)];
    world.commit(&before).await;
    world.drain(&mut first).await;
    assert_eq!(second.run_once().await.unwrap(), Step::Standby);

    end_who_leads(&world.pool).await;
    let after = [world.some(world.event), world.some(world.event)];
    world.commit(&after).await;
    world.drain(&mut second).await;
    // The first one finds its connection, and with it its lead, gone.
    step_until(&mut first, |step| matches!(step, Ok(Step::Standby))).await;
    assert_eq!(world.published_of(world.event).await, ids(&[before, after].concat()), "nothing twice, nothing missing");
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
                    let age = outbox::oldest_unpublished(&mut db, 0).await.unwrap();
                    (age.as_millis() > 3_000).then_some(())
                })
                .await;
                links.kafka.restore();
            }
            _ => {}
        }
        let events: Vec<DomainEvent> = (0..20).map(|_| world.some(world.event)).collect();
        world.commit(&events).await;
        committed.extend(ids(&events));
    }
    eventually("everything is published", PATIENCE, || async { (world.unpublished().await == 0).then_some(()) }).await;
    stop.cancel();
    relaying.await.unwrap();
    assert_eq!(first_seen(&world.published_of(world.event).await), committed);
}

#[tokio::test]
async fn the_outbox_gets_its_days_ahead_and_drops_old_ones_only_when_published() {
    use goticket_storage::outbox::partitions::housekeeping;
    let world = World::new().await;
    let mut db = world.pool.acquire().await.unwrap();
    // Before the first round, rows of today lie in the overflow partition: that day gets no partition of its own.
    world.commit(&[world.some(world.event)]).await;
    let done = housekeeping(&mut db, 2, 14).await.unwrap();
    assert_eq!((done.made.len(), done.left.len()), (2, 1), "{done:?}");
    assert_eq!(housekeeping(&mut db, 2, 14).await.unwrap().made.len(), 0, "a second round finds them");

    sqlx::raw_sql(
        "CREATE TABLE outbox_d20200229 (LIKE outbox INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
         ALTER TABLE outbox ATTACH PARTITION outbox_d20200229 FOR VALUES FROM ('2020-02-29 00:00Z') TO ('2020-03-01 00:00Z')",
    )
    .execute(&mut *db)
    .await
    .unwrap();
    let old = world.some(world.event);
    world.commit(std::slice::from_ref(&old)).await;
    sqlx::query("UPDATE outbox SET written_at = '2020-02-29 12:00Z' WHERE id = $1").bind(old.id).execute(&mut *db).await.unwrap();
    let done = housekeeping(&mut db, 2, 14).await.unwrap();
    assert_eq!(done.dropped.len(), 0, "it has a row that nobody published: {done:?}");

    world.drain(&mut world.relay()).await;
    assert_eq!(housekeeping(&mut db, 2, 14).await.unwrap().dropped, ["outbox_d20200229"]);
    assert!(world.published_of(world.event).await.contains(&old.id));
}
