//! Holds whose deadline has passed, by the database's clock.

use goticket_domain::{BookingId, EventId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgPool;
use uuid::Uuid;

use crate::StorageError;

/// A hold that should end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Overdue {
    /// Which booking.
    pub booking: BookingId,
    /// Of which event.
    pub event: EventId,
    /// When it should have ended.
    pub deadline: Timestamp,
}

/// Holds whose deadline has passed, in the order of their deadlines, after `after` (a deadline and its booking), at most
/// `limit`. Served by `bookings_by_deadline`, in which only holds are.
pub async fn overdue(pool: &PgPool, after: Option<(Timestamp, BookingId)>, limit: u32) -> Result<Vec<Overdue>, StorageError> {
    let rows: Vec<(Uuid, Uuid, jiff_sqlx::Timestamp)> = sqlx::query_as(
        "SELECT id, event, hold_expires_at
         FROM bookings
         WHERE state = 'held' AND hold_expires_at <= now() AND (hold_expires_at, id) > (coalesce($1, '-infinity'), $2)
         ORDER BY hold_expires_at, id
         LIMIT $3",
    )
    .bind(after.map(|(deadline, _)| deadline.to_sqlx()))
    .bind(after.map_or(Uuid::nil(), |(_, booking)| booking.0))
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    let overdue = |(id, event, deadline): (Uuid, Uuid, jiff_sqlx::Timestamp)| Overdue {
        booking: BookingId(id),
        event: EventId(event),
        deadline: deadline.to_jiff(),
    };
    Ok(rows.into_iter().map(overdue).collect())
}
