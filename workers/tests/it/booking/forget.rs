//! What is old enough is forgotten, by stated rules, and nothing else.

use goticket_domain::booking::{PaymentResult, RefusalReason};
use goticket_storage::bookings::purge::{Purged, REFUSALS_KEPT_DAYS, WEBHOOKS_KEPT_DAYS, purge};
use sqlx::AssertSqlSafe;

use crate::hall::{Hall, decided};

async fn run(hall: &Hall, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&hall.pool).await.unwrap();
}

/// A minute before and a minute after so many days.
fn around(days: u16) -> [String; 2] {
    ["- interval '1 minute'", "+ interval '1 minute'"].map(|by| format!("now() - interval '{days} days' {by}"))
}

#[tokio::test]
async fn refusals_are_forgotten_after_their_days_and_their_keys_are_free_again() {
    let hall = Hall::open().await;
    let (fan, other, worker) = (hall.account().await, hall.account().await, hall.worker().await);
    let held = hall.named(fan, "held", &[1]);
    worker.run_once(std::slice::from_ref(&held)).await;
    for key in ["older", "younger"] {
        let refused = worker.run_once(&[hall.named(other, key, &[1])]).await;
        assert_eq!(decided(&refused[0]), Err(RefusalReason::Held));
    }
    let [older, younger] = around(REFUSALS_KEPT_DAYS);
    run(&hall, format!("UPDATE bookings SET decided_at = {older} WHERE key IN ('older', 'held')")).await;
    run(&hall, format!("UPDATE bookings SET decided_at = {younger} WHERE key = 'younger'")).await;
    assert_eq!(purge(&hall.pool).await.unwrap(), Purged { refusals: 1, webhooks: 0 });
    assert_eq!(purge(&hall.pool).await.unwrap(), Purged::default());
    let kept = "SELECT count(*) FROM bookings WHERE key IN ('younger', 'held')";
    assert_eq!(hall.count(kept).await, 2, "bookings stay");

    hall.worker().await.run_once(&[hall.cancel(held.booking(), fan)]).await;
    let again = hall.worker().await.run_once(&[hall.named(other, "older", &[1]), hall.named(other, "younger", &[1])]).await;
    assert!(decided(&again[0]).is_ok(), "decided again: {again:?}");
    assert_eq!(decided(&again[1]), Err(RefusalReason::Held), "as it was decided");
    hall.assert_clean().await;
}

#[tokio::test]
async fn webhooks_are_forgotten_after_their_days() {
    let hall = Hall::open().await;
    let worker = hall.worker().await;
    for (n, key) in [(1, "older"), (2, "younger")] {
        let held = hall.named(hall.account().await, key, &[n]);
        worker.run_once(std::slice::from_ref(&held)).await;
        let payment = hall.attempt(held.booking()).await;
        worker.run_once(&[hall.pay(&payment, key, PaymentResult::Paid)]).await;
    }
    for (id, seen_at) in ["older", "younger"].into_iter().zip(around(WEBHOOKS_KEPT_DAYS)) {
        run(&hall, format!("UPDATE webhooks_seen SET seen_at = {seen_at} WHERE id = '{id}'")).await;
    }
    assert_eq!(purge(&hall.pool).await.unwrap(), Purged { refusals: 0, webhooks: 1 });
    assert_eq!(hall.count("SELECT count(*) FROM webhooks_seen WHERE id = 'younger'").await, 1);
    hall.assert_clean().await;
}
