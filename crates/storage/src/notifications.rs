//! What is sent to people: `pending → rendered → sent`, or `failed`. One row per booking and kind, however often it is told.
//!
//! Whoever works on an unfinished one touches it. One that nobody has touched for long has lost its task: see [`take_stale`].

use goticket_domain::BookingId;
use jiff::{SignedDuration, Timestamp};
use sqlx::PgPool;
use uuid::Uuid;

use crate::StorageError;

/// Where a notification stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotificationState {
    /// Its document is to be made.
    Pending,
    /// Its document is made, its mail is to be sent.
    Rendered,
    /// The mail server has taken it.
    Sent,
    /// Given up.
    Failed,
}

impl std::str::FromStr for NotificationState {
    type Err = StorageError;
    fn from_str(text: &str) -> Result<Self, StorageError> {
        Ok(match text {
            "pending" => Self::Pending,
            "rendered" => Self::Rendered,
            "sent" => Self::Sent,
            "failed" => Self::Failed,
            other => {
                return Err(StorageError::Unexpected(format!("unknown notification state {other:?}")));
            }
        })
    }
}

/// A notification whose document is still to be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pending {
    /// Its id, which becomes the mail's.
    pub id: Uuid,
    /// The confirmed booking.
    pub booking: BookingId,
}

/// Adds a ticket notification for each booking that has none, and returns those of all these bookings that are pending. A concurrent call
/// that was faster made the row; both then see it. A booking that does not exist gets none.
pub async fn open_tickets(pool: &PgPool, bookings: &[BookingId]) -> Result<Vec<Pending>, StorageError> {
    let bookings: Vec<Uuid> = bookings.iter().map(|booking| booking.0).collect();
    let ids: Vec<Uuid> = bookings.iter().map(|_| Uuid::now_v7()).collect();
    sqlx::query(
        "INSERT INTO notifications (id, booking, kind, state)
         SELECT n.id, n.booking, 'ticket', 'pending'
         FROM UNNEST($1::uuid[], $2::uuid[]) AS n (id, booking)
         JOIN bookings b ON b.id = n.booking
         ORDER BY n.booking
         ON CONFLICT (booking, kind) DO NOTHING",
    )
    .bind(ids)
    .bind(&bookings)
    .execute(pool)
    .await?;
    let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(
        "SELECT id, booking FROM notifications WHERE booking = ANY($1) AND kind = 'ticket' AND state = 'pending' ORDER BY id",
    )
    .bind(&bookings)
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|(id, booking)| Pending { id, booking: BookingId(booking) }).collect())
}

/// Where one stands; None where there is no such notification.
pub async fn state(pool: &PgPool, id: Uuid) -> Result<Option<NotificationState>, StorageError> {
    let state: Option<String> =
        sqlx::query_scalar("SELECT state FROM notifications WHERE id = $1").bind(id).fetch_optional(pool).await?;
    state.map(|state| state.parse()).transpose()
}

/// Its document is in the object folder. False where it was not pending any more: another one was faster.
pub async fn mark_rendered(pool: &PgPool, id: Uuid) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "UPDATE notifications SET state = 'rendered', touched_at = now(), last_error = NULL WHERE id = $1 AND state = 'pending'",
    )
    .bind(id)
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// It is being worked on: notes what went wrong this time. A claim stays with whoever has it.
pub async fn touch(pool: &PgPool, id: Uuid, error: &str) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE notifications SET touched_at = now(), last_error = $2 WHERE id = $1 AND state IN ('pending', 'rendered')",
    )
    .bind(id)
    .bind(error)
    .execute(pool)
    .await?;
    Ok(())
}

/// What came of [`claim`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Claim {
    /// The caller alone may send it until the lease ends. `at` is the database's clock.
    Ours {
        /// Now.
        at: Timestamp,
    },
    /// It is not to be sent (now): another one is at it, or it is not rendered, sent or failed.
    NotOurs {
        /// Where it stands.
        state: NotificationState,
    },
    /// There is no such notification.
    Unknown,
}

/// Takes the right to send a rendered notification for as long as `lease`. A concurrent call waits for the row, then sees the
/// claim. A sender that dies keeps it until the lease ends; what became of its mail is then unknown, and it is sent again with
/// the same `Message-ID`.
pub async fn claim(pool: &PgPool, id: Uuid, lease: SignedDuration) -> Result<Claim, StorageError> {
    let claimed: Option<jiff_sqlx::Timestamp> = sqlx::query_scalar(
        "UPDATE notifications
         SET attempts = attempts + 1, touched_at = now(), claimed_until = now() + $2 * interval '1 millisecond'
         WHERE id = $1 AND state = 'rendered' AND (claimed_until IS NULL OR claimed_until < now())
         RETURNING now()",
    )
    .bind(id)
    .bind(i64::try_from(lease.as_millis()).unwrap_or(i64::MAX))
    .fetch_optional(pool)
    .await?;
    if let Some(at) = claimed {
        return Ok(Claim::Ours { at: at.to_jiff() });
    }
    Ok(state(pool, id).await?.map_or(Claim::Unknown, |state| Claim::NotOurs { state }))
}

/// The mail server has taken it. True where this call said so first.
pub async fn mark_sent(pool: &PgPool, id: Uuid) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "UPDATE notifications SET state = 'sent', sent_at = now(), claimed_until = NULL, last_error = NULL
         WHERE id = $1 AND state <> 'sent'",
    )
    .bind(id)
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// It did not go out this time: gives the claim back and notes why.
pub async fn release(pool: &PgPool, id: Uuid, error: &str) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE notifications SET claimed_until = NULL, touched_at = now(), last_error = $2
         WHERE id = $1 AND state IN ('pending', 'rendered')",
    )
    .bind(id)
    .bind(error)
    .execute(pool)
    .await?;
    Ok(())
}

/// It will never go out. False where it was sent (or given up) in the meantime.
pub async fn mark_failed(pool: &PgPool, id: Uuid, error: &str) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "UPDATE notifications SET state = 'failed', claimed_until = NULL, last_error = $2
         WHERE id = $1 AND state IN ('pending', 'rendered')",
    )
    .bind(id)
    .bind(error)
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// An unfinished notification whose task may be lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stale {
    /// Its id.
    pub id: Uuid,
    /// The confirmed booking.
    pub booking: BookingId,
    /// `Pending` or `Rendered`.
    pub state: NotificationState,
}

/// Takes up to `limit` unfinished notifications that nobody has touched for `pause`, and touches them: a concurrent call takes
/// others, and the same one comes back only after a pause, which grows with its age (a quarter of it), because a task that waits
/// in a long queue looks just like a lost one. One whose mail is being sent is left out.
pub async fn take_stale(pool: &PgPool, pause: SignedDuration, limit: u32) -> Result<Vec<Stale>, StorageError> {
    // The states stand in the text, so that the planner can prove that `notifications_unfinished` serves it.
    let rows: Vec<(Uuid, Uuid, String)> = sqlx::query_as(
        "WITH stale AS (
             SELECT id FROM notifications
             WHERE state IN ('pending', 'rendered')
               AND touched_at < now() - $1 * interval '1 millisecond'
               AND touched_at < now() - (now() - created_at) / 4
               AND (claimed_until IS NULL OR claimed_until < now())
             ORDER BY touched_at, id
             LIMIT $2
             FOR UPDATE SKIP LOCKED)
         UPDATE notifications n SET touched_at = now() FROM stale WHERE n.id = stale.id
         RETURNING n.id, n.booking, n.state",
    )
    .bind(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX))
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(|(id, booking, state)| Ok(Stale { id, booking: BookingId(booking), state: state.parse()? })).collect()
}
