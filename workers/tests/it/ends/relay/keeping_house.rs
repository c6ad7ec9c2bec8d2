//! Days of the outbox: made ahead, dropped when old and published.

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
    sqlx::query("UPDATE outbox_cursors c SET position = least(l.position, 2) FROM lanes l WHERE l.lane = c.lane AND c.lane = 2")
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
