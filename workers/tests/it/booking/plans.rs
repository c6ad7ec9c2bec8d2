//! Nothing that a sale does all the time depends on a plan that was made for an empty table.

use goticket_platform::postgres::{self, Plans};
use sqlx::AssertSqlSafe;

use crate::hall::Hall;

/// What a sale writes, row by row.
const WRITTEN: [&str; 10] = [
    "bookings",
    "taken_seats",
    "payments",
    "webhooks_seen",
    "tickets",
    "notifications",
    "outbox",
    "outbox_cursors",
    "lanes",
    "lane_members",
];

#[tokio::test]
async fn no_foreign_key_is_checked_by_what_a_sale_writes() {
    let hall = Hall::open().await;
    let keys: Vec<String> = sqlx::query_scalar(
        "SELECT conname::text FROM pg_constraint
         WHERE contype = 'f' AND (conrelid = ANY($1::regclass[]) OR confrelid = ANY($1::regclass[])) ORDER BY 1",
    )
    .bind(WRITTEN.map(str::to_owned).to_vec())
    .fetch_all(&hall.pool)
    .await
    .unwrap();
    assert_eq!(keys, Vec::<String>::new());
}

/// How a statement that finds bookings by their ids is planned by a connection that ran it while the table was empty.
async fn planned(hall: &Hall, plans: Plans, cache: &str) -> String {
    let pool = postgres::connect(&hall.config.postgres, plans).await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    for statement in [
        "ALTER TABLE bookings SET (autovacuum_enabled = false)",
        "TRUNCATE bookings",
        "VACUUM ANALYZE bookings",
        cache,
        "PREPARE found (uuid[]) AS SELECT state FROM bookings WHERE id = ANY($1) FOR NO KEY UPDATE",
        "EXECUTE found (ARRAY[gen_random_uuid()])",
        "INSERT INTO bookings (id, event, section, account, key, payload_hash, decided_at, seats, prices, total_minor, currency, held_until,
                               state, hold_expires_at, changed_at)
         SELECT gen_random_uuid(), gen_random_uuid(), 0, gen_random_uuid(), 'k', sha256(''), now(), '{1}', '{0}', 0, 'EUR', now(),
                'expired', now(), now()
           FROM generate_series(1, 20000)",
    ] {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut *db).await.unwrap();
    }
    let explain = "EXPLAIN EXECUTE found (ARRAY[gen_random_uuid()])";
    let lines: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain)).fetch_all(&mut *db).await.unwrap();
    lines.join("\n")
}

#[tokio::test]
async fn rows_are_found_by_their_keys_however_empty_their_table_was() {
    let hall = Hall::open().await;
    let as_set = planned(&hall, Plans::ByKeys, "SELECT 1").await;
    assert!(as_set.contains("bookings_pkey"), "{as_set}");
    // What goes on in the catalog beside it may have a kept plan made again: seen once is enough.
    let mut kept = String::new();
    for _ in 0..5 {
        kept = planned(&hall, Plans::ForTheMoment, "SET plan_cache_mode = force_generic_plan").await;
        if !kept.contains("bookings_pkey") {
            return;
        }
    }
    panic!("a plan that is kept shows why none is: {kept}");
}
