//! Nothing that a sale does all the time depends on a plan that was made for an empty table.

use goticket_platform::postgres::{self, Plans};
use sqlx::AssertSqlSafe;

use crate::hall::Hall;

/// What a sale writes, row by row.
const WRITTEN: [&str; 9] = [
    "bookings",
    "booking_seats",
    "booking_requests",
    "account_tickets",
    "payments",
    "webhooks_seen",
    "tickets",
    "notifications",
    "outbox",
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

/// How a statement that finds bookings by their ids is planned on a connection that saw the table empty.
async fn planned(hall: &Hall, plans: Plans) -> String {
    let pool = postgres::connect(&hall.config.postgres, plans).await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    sqlx::raw_sql("VACUUM ANALYZE bookings").execute(&mut *db).await.unwrap();
    sqlx::raw_sql("PREPARE found (uuid[]) AS SELECT state FROM bookings WHERE id = ANY($1) FOR NO KEY UPDATE")
        .execute(&mut *db)
        .await
        .unwrap();
    let explain = "EXPLAIN EXECUTE found (ARRAY[gen_random_uuid()])";
    let lines: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain)).fetch_all(&mut *db).await.unwrap();
    lines.join("\n")
}

#[tokio::test]
async fn rows_are_found_by_their_keys_however_empty_their_table_was() {
    let hall = Hall::open().await;
    let (by_keys, for_the_moment) = (planned(&hall, Plans::ByKeys).await, planned(&hall, Plans::ForTheMoment).await);
    assert!(by_keys.contains("bookings_pkey") && !by_keys.contains("Seq Scan"), "{by_keys}");
    assert!(for_the_moment.contains("Seq Scan"), "an empty table is read as a whole: {for_the_moment}");
}
