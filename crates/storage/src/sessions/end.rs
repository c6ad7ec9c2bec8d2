//! Ending sessions, and what ended.

use std::time::Duration;

use goticket_domain::AccountId;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::StorageError;

/// Sessions that ended, in one answer: more than end within a window of minutes unless somebody ends everybody's.
const ENDED_MAX: i64 = 100_000;

/// Why a session ended before it expired.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndReason {
    /// By whoever has its refresh token.
    LoggedOut,
    /// By its account, from the list.
    Revoked,
    /// A token came back that was used before.
    Reused,
    /// The holder set another password elsewhere.
    PasswordChanged,
    /// The holder of the address set another password by mail.
    PasswordReset,
    /// The account was disabled.
    Disabled,
    /// Too many others were begun after it.
    CrowdedOut,
}

impl EndReason {
    /// The name in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LoggedOut => "logged_out",
            Self::Revoked => "revoked",
            Self::Reused => "reused",
            Self::PasswordChanged => "password_changed",
            Self::PasswordReset => "password_reset",
            Self::Disabled => "disabled",
            Self::CrowdedOut => "crowded_out",
        }
    }
}

/// Ends a session for whoever knows what all its tokens share. False where there is none that goes on.
pub async fn end_shown(pool: &PgPool, id: Uuid, secret: &[u8; 32]) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "UPDATE sessions SET ended_at = clock_timestamp(), end_reason = $3 WHERE id = $1 AND secret = $2 AND ended_at IS NULL",
    )
    .bind(id)
    .bind(secret.as_slice())
    .bind(EndReason::LoggedOut.as_str())
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends one session of an account. False where the account has none of this id that goes on.
pub async fn end_one(pool: &PgPool, account: AccountId, id: Uuid) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "UPDATE sessions SET ended_at = clock_timestamp(), end_reason = $3
         WHERE id = $1 AND account = $2 AND ended_at IS NULL AND expires_at > clock_timestamp()",
    )
    .bind(id)
    .bind(account.0)
    .bind(EndReason::Revoked.as_str())
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends the sessions of an account, all or all but one, and says which.
pub async fn end_all(pool: &PgPool, account: AccountId, keep: Option<Uuid>) -> Result<Vec<Uuid>, StorageError> {
    let mut db = pool.acquire().await?;
    end_others(&mut db, account, keep, EndReason::Revoked).await
}

/// The same, as a part of what ends them. A log-in that is written at the same time holds the account's row: see [`super::begin`].
pub(crate) async fn end_others(
    db: &mut PgConnection,
    account: AccountId,
    keep: Option<Uuid>,
    reason: EndReason,
) -> Result<Vec<Uuid>, StorageError> {
    let ended: Vec<(Uuid,)> = sqlx::query_as(
        "UPDATE sessions SET ended_at = clock_timestamp(), end_reason = $3
         WHERE account = $1 AND ended_at IS NULL AND id IS DISTINCT FROM $2
         RETURNING id",
    )
    .bind(account.0)
    .bind(keep)
    .bind(reason.as_str())
    .fetch_all(db)
    .await?;
    Ok(ended.into_iter().map(|(id,)| id).collect())
}

/// Sessions that ended within so long, the latest first.
pub async fn ended_within(pool: &PgPool, window: Duration) -> Result<Vec<Uuid>, StorageError> {
    // sessions_ended.
    let ended: Vec<(Uuid,)> = sqlx::query_as(
        "SELECT id FROM sessions WHERE ended_at > clock_timestamp() - $1 * interval '1 second' ORDER BY ended_at DESC LIMIT $2",
    )
    .bind(window.as_secs_f64())
    .bind(ENDED_MAX)
    .fetch_all(pool)
    .await?;
    Ok(ended.into_iter().map(|(id,)| id).collect())
}
