//! What is forgotten by rule: refused requests and webhooks that nobody can repeat any more. Bookings stay.

use sqlx::PgPool;

use crate::StorageError;

/// Refused requests keep their key for so long, in days: a client that repeats one later is decided again.
pub const REFUSALS_KEPT_DAYS: u16 = 7;

/// Webhooks are recognised for so long, in days; providers give up repeating one after three.
pub const WEBHOOKS_KEPT_DAYS: u16 = 90;

/// Rows of one statement: few enough for a statement's time-out, and for a sale that goes on.
const ROWS_MAX: i64 = 5_000;

/// What one round removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Purged {
    /// Refused requests.
    pub refusals: u64,
    /// Webhooks.
    pub webhooks: u64,
}

/// Removes some of what is old; to be repeated while it removes anything.
pub async fn purge(pool: &PgPool) -> Result<Purged, StorageError> {
    // bookings_by_age finds the old blocks; no lane's owner touches a refused request again.
    let refusals = sqlx::query(
        "DELETE FROM bookings WHERE ctid = ANY(ARRAY(
             SELECT ctid FROM bookings
             WHERE state = 'refused' AND decided_at < now() - $1 * interval '1 day'
             LIMIT $2))",
    )
    .bind(i32::from(REFUSALS_KEPT_DAYS))
    .bind(ROWS_MAX)
    .execute(pool)
    .await?
    .rows_affected();
    let webhooks = sqlx::query(
        "DELETE FROM webhooks_seen WHERE ctid = ANY(ARRAY(
             SELECT ctid FROM webhooks_seen WHERE seen_at < now() - $1 * interval '1 day' LIMIT $2))",
    )
    .bind(i32::from(WEBHOOKS_KEPT_DAYS))
    .bind(ROWS_MAX)
    .execute(pool)
    .await?
    .rows_affected();
    Ok(Purged { refusals, webhooks })
}
