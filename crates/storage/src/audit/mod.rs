//! The audit: statements that find rows which contradict an invariant, and what Kafka must hold.
//!
//! Every check returns the identifiers of what violates it; an empty list is the proof. Reads only; meant for a replica or a quiet
//! moment, each check under its own snapshot.

mod checks;
mod groups;
pub mod rooms;
mod told;

pub use checks::CHECKS;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::{AssertSqlSafe, PgPool, Row};
use uuid::Uuid;

use crate::StorageError;

/// Kafka may have forgotten what is older, unless it never got it: what the slowest relay has not passed is due at any age.
macro_rules! due_in_kafka {
    () => {
        "(written_at >= $2 OR position > (SELECT c.position FROM outbox_cursors c WHERE c.lane = outbox.lane))"
    };
}

/// How many violations of one check are named.
pub const MAX_NAMED_VIOLATIONS: i64 = 20;

/// One check.
#[derive(Debug)]
pub struct Check {
    /// Short name, as reports show it.
    pub name: &'static str,
    /// What an empty result proves.
    pub proves: &'static str,
    /// Finds violations.
    pub sql: &'static str,
}

/// What is audited.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// One event, or all.
    pub event: Option<Uuid>,
    /// Since when the outbox is complete: see [`crate::outbox::partitions::complete_since`]. What began before is left out wherever
    /// outbox rows are needed.
    pub since: Timestamp,
}

/// What one check found.
#[derive(Debug)]
pub struct Finding {
    /// Rows that violate it.
    pub violations: i64,
    /// The first of them, at most [`MAX_NAMED_VIOLATIONS`].
    pub named: Vec<String>,
}

impl Check {
    /// What finds its violations, and counts them.
    pub fn statement(&self) -> String {
        // Not every check reads both parameters: named here, they have their types.
        format!(
            "WITH scope AS (SELECT $1::uuid, $2::timestamptz), violation AS ({})
             SELECT what, count(*) OVER () AS total FROM violation ORDER BY what LIMIT {MAX_NAMED_VIOLATIONS}",
            self.sql
        )
    }
}

/// Runs one check.
pub async fn run(pool: &PgPool, check: &Check, scope: Scope) -> Result<Finding, StorageError> {
    // The text is one of CHECKS' constants.
    let rows =
        sqlx::query(AssertSqlSafe(check.statement())).bind(scope.event).bind(scope.since.to_sqlx()).fetch_all(pool).await?;
    let violations = rows.first().map_or(Ok(0), |row| row.try_get("total"))?;
    let named = rows.iter().map(|row| row.try_get("what")).collect::<Result<_, _>>()?;
    Ok(Finding { violations, named })
}

/// Seats by what became of them, each counted by itself.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct SeatCount {
    /// Seats and standing places there should be.
    pub capacity: i64,
    /// Of confirmed bookings.
    pub sold: i64,
    /// Of held bookings.
    pub held: i64,
    /// Of no live booking.
    pub free: i64,
}

/// Counts seats of one event, or of all.
pub async fn seat_count(pool: &PgPool, event: Option<Uuid>) -> Result<SeatCount, StorageError> {
    let row = sqlx::query(concat!(
        "SELECT coalesce(sum(capacity), 0)::bigint AS capacity, coalesce(sum(sold), 0)::bigint AS sold,
                coalesce(sum(held), 0)::bigint AS held, coalesce(sum(free), 0)::bigint AS free FROM (",
        checks::seats_by_event!(),
        ") AS counted"
    ))
    .bind(event)
    .fetch_one(pool)
    .await?;
    let count = |column| row.try_get(column);
    Ok(SeatCount { capacity: count("capacity")?, sold: count("sold")?, held: count("held")?, free: count("free")? })
}

/// What began before [`Scope::since`] and is therefore not held against the outbox.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct LeftOut {
    /// Requests for seats.
    pub requests: i64,
    /// Attempts to pay.
    pub payments: i64,
    /// Domain events that are still in the outbox.
    pub events: i64,
}

/// Counts it.
pub async fn left_out(pool: &PgPool, scope: Scope) -> Result<LeftOut, StorageError> {
    let (requests, payments, events) = sqlx::query_as(concat!(
        "SELECT (SELECT count(*) FROM bookings WHERE ($1::uuid IS NULL OR event = $1) AND decided_at < $2),
                (SELECT count(*) FROM payments p JOIN bookings b ON b.id = p.booking
                  WHERE ($1::uuid IS NULL OR b.event = $1) AND p.created_at < $2),
                (SELECT count(*) FROM outbox WHERE ($1::uuid IS NULL OR event = $1) AND NOT ",
        due_in_kafka!(),
        ")"
    ))
    .bind(scope.event)
    .bind(scope.since.to_sqlx())
    .fetch_one(pool)
    .await?;
    Ok(LeftOut { requests, payments, events })
}

/// One committed domain event as Kafka must hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedEvent {
    /// The CloudEvents id.
    pub id: Uuid,
    /// Its event: the Kafka key.
    pub event: Uuid,
}

/// Every committed domain event that Kafka must hold, in the order in which the relay publishes them.
pub async fn committed_events(pool: &PgPool, scope: Scope) -> Result<Vec<CommittedEvent>, StorageError> {
    let rows = sqlx::query(concat!(
        "SELECT id, event FROM outbox WHERE ($1::uuid IS NULL OR event = $1) AND ",
        due_in_kafka!(),
        " ORDER BY lane, position"
    ))
    .bind(scope.event)
    .bind(scope.since.to_sqlx())
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| Ok(CommittedEvent { id: row.try_get("id")?, event: row.try_get("event")? })).collect()
}
