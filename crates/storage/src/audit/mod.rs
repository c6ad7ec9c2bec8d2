//! The audit: statements that find rows which contradict an invariant, and what Kafka must hold.
//!
//! Every check returns the identifiers of what violates it; an empty list is the proof. Reads only; meant for a replica or a quiet
//! moment, each check under its own snapshot.

mod checks;

pub use checks::{CHECKS, Check};

use sqlx::{AssertSqlSafe, PgPool, Row};
use uuid::Uuid;

use crate::StorageError;

/// How many violations of one check are named.
pub const MAX_NAMED_VIOLATIONS: i64 = 20;

/// What one check found.
#[derive(Debug)]
pub struct Finding {
    /// Rows that violate it.
    pub violations: i64,
    /// The first of them, at most [`MAX_NAMED_VIOLATIONS`].
    pub named: Vec<String>,
}

/// Runs one check over one event, or over all.
pub async fn run(pool: &PgPool, check: &Check, event: Option<Uuid>) -> Result<Finding, StorageError> {
    let sql = format!(
        "WITH violation AS ({}) SELECT what, count(*) OVER () AS total FROM violation ORDER BY what LIMIT {MAX_NAMED_VIOLATIONS}",
        check.sql
    );
    // The text is one of CHECKS' constants.
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(event).fetch_all(pool).await?;
    let violations = rows.first().map_or(Ok(0), |row| row.try_get("total"))?;
    let named = rows.iter().map(|row| row.try_get("what")).collect::<Result<_, _>>()?;
    Ok(Finding { violations, named })
}

/// Seats by what became of them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct SeatCount {
    /// Seats and standing places there are.
    pub capacity: i64,
    /// Of confirmed bookings.
    pub sold: i64,
    /// Of held bookings.
    pub held: i64,
}

/// Counts seats of one event, or of all.
pub async fn seat_count(pool: &PgPool, event: Option<Uuid>) -> Result<SeatCount, StorageError> {
    let row = sqlx::query(
        "SELECT (SELECT count(*) FROM seats WHERE $1::uuid IS NULL OR event = $1) AS capacity,
                count(*) FILTER (WHERE b.state = 'confirmed') AS sold,
                count(*) FILTER (WHERE b.state = 'held') AS held
           FROM booking_seats s JOIN bookings b ON b.id = s.booking
          WHERE s.live AND ($1::uuid IS NULL OR s.event = $1)",
    )
    .bind(event)
    .fetch_one(pool)
    .await?;
    Ok(SeatCount { capacity: row.try_get("capacity")?, sold: row.try_get("sold")?, held: row.try_get("held")? })
}

/// One committed domain event as Kafka must hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedEvent {
    /// The CloudEvents id.
    pub id: Uuid,
    /// Topic without the deployment's prefix.
    pub topic: String,
    /// Its event: the Kafka key.
    pub event: Uuid,
}

/// Every committed domain event in the order in which the relay publishes them.
pub async fn committed_events(pool: &PgPool, event: Option<Uuid>) -> Result<Vec<CommittedEvent>, StorageError> {
    let rows = sqlx::query("SELECT id, topic, event FROM outbox WHERE $1::uuid IS NULL OR event = $1 ORDER BY xid, sequence")
        .bind(event)
        .fetch_all(pool)
        .await?;
    rows.iter()
        .map(|row| Ok(CommittedEvent { id: row.try_get("id")?, topic: row.try_get("topic")?, event: row.try_get("event")? }))
        .collect()
}
