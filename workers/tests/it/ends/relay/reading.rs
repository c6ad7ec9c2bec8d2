//! What is read next: gaps, lanes that are far behind, plans.

use super::*;

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
