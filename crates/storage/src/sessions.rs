//! Sessions: who is logged in, from where, until when. A session's row decides; what Redis has of it only saves work.
//!
//! Whatever changes an account and its sessions locks the account's row first.

mod end;

use std::time::Duration;

use goticket_domain::AccountId;
use goticket_domain::identity::Device;
use jiff::Timestamp;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

pub(crate) use end::end_others;
pub use end::{EndReason, end_all, end_one, end_shown, ended_within};

use crate::StorageError;
use crate::accounts::{Account, Row, account};

/// Live sessions of one account; one more ends the one that was used least recently. A list that no one reads through protects no one.
pub const SESSIONS_MAX: i64 = 50;

/// How long a session that has expired or ended is kept, in days: as long as its holder may ask what became of it.
pub const KEPT_DAYS: u16 = 30;

/// Rows of one statement.
const ROWS_MAX: i64 = 5_000;

/// What is stored of a refresh token: SHA-256 of its two secrets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TokenHashes {
    /// Of what all tokens of the session share.
    pub secret: [u8; 32],
    /// Of what only this one has.
    pub current: [u8; 32],
}

/// A session that is to begin.
#[derive(Clone, Debug)]
pub struct NewSession<'a> {
    /// Its id.
    pub id: Uuid,
    /// Whose.
    pub account: AccountId,
    /// The account's generation of passwords as it was when the holder proved who they are.
    pub password_generation: i32,
    /// From where.
    pub device: &'a Device,
    /// Its first token.
    pub token: TokenHashes,
    /// How long that is good for.
    pub ttl: Duration,
}

/// A session that goes on, as its holder sees it.
#[derive(Clone, PartialEq, Eq, Debug, FromRow)]
pub struct Session {
    /// Its id.
    pub id: Uuid,
    /// From where.
    pub device: String,
    /// When its holder logged in.
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    pub begun_at: Timestamp,
    /// When it was refreshed last.
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    pub used_at: Timestamp,
    /// When it ends if it is not refreshed.
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    pub expires_at: Timestamp,
}

/// What became of showing a refresh token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rotation {
    /// The next token is the current one.
    Done(Account),
    /// It was one of this session's, and not the current one: the session has ended.
    Reused(AccountId),
    /// There is no such session, or not any more.
    Unknown,
}

/// Writes down a session. False where the account was disabled or set another password since its holder proved who they are.
pub async fn begin(pool: &PgPool, new: &NewSession<'_>) -> Result<bool, StorageError> {
    let mut transaction = pool.begin().await?;
    // FOR SHARE: a change of the password, or disabling the account, comes either before it and is seen here, or after it and ends this session.
    let begun = sqlx::query(
        "INSERT INTO sessions (id, account, device, secret, current, begun_at, used_at, expires_at)
         SELECT $1, a.id, $3, $4, $5, t.now, t.now, t.now + $6 * interval '1 second'
         FROM accounts a, (SELECT clock_timestamp() AS now) t
         WHERE a.id = $2 AND a.disabled_at IS NULL AND a.password_generation = $7
         FOR SHARE OF a",
    )
    .bind(new.id)
    .bind(new.account.0)
    .bind(new.device.as_str())
    .bind(new.token.secret.as_slice())
    .bind(new.token.current.as_slice())
    .bind(new.ttl.as_secs_f64())
    .bind(new.password_generation)
    .execute(&mut *transaction)
    .await?
    .rows_affected();
    if begun == 0 {
        return Ok(false);
    }
    // sessions_live, from its newest end. Of two log-ins at once each may miss the other's: then there is one more until the next one.
    sqlx::query(
        "UPDATE sessions SET ended_at = clock_timestamp(), end_reason = $2
         WHERE id = ANY(ARRAY(
             SELECT id FROM sessions WHERE account = $1 AND ended_at IS NULL AND id <> $4 ORDER BY used_at DESC, id OFFSET $3))
           AND ended_at IS NULL",
    )
    .bind(new.account.0)
    .bind(EndReason::CrowdedOut.as_str())
    .bind(SESSIONS_MAX - 1)
    .bind(new.id)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(true)
}

/// The sessions of an account that go on, the one that was used last first.
pub async fn live(pool: &PgPool, account: AccountId) -> Result<Vec<Session>, StorageError> {
    // sessions_live. There are SESSIONS_MAX of them, or a few more for a moment.
    Ok(sqlx::query_as(
        "SELECT id, device, begun_at, used_at, expires_at FROM sessions
         WHERE account = $1 AND ended_at IS NULL AND expires_at > clock_timestamp()
         ORDER BY used_at DESC, id LIMIT $2",
    )
    .bind(account.0)
    .bind(SESSIONS_MAX * 2)
    .fetch_all(pool)
    .await?)
}

/// Exchanges the current token of a session for the next one. Of all who show one token at most one gets a child; whoever shows an earlier
/// one ends the session. Who does not know its secret changes nothing.
pub async fn rotate(
    pool: &PgPool,
    id: Uuid,
    shown: &TokenHashes,
    next: &[u8; 32],
    ttl: Duration,
) -> Result<Rotation, StorageError> {
    // A concurrent statement with the same token waits for the row, looks at it again, and finds another current one.
    let row: Option<Row> = sqlx::query_as(
        "UPDATE sessions s
         SET current = $4, used_at = clock_timestamp(), expires_at = clock_timestamp() + $5 * interval '1 second'
         FROM accounts a
         WHERE s.id = $1 AND s.secret = $2 AND s.current = $3 AND s.ended_at IS NULL AND s.expires_at > clock_timestamp()
           AND a.id = s.account AND a.disabled_at IS NULL
         RETURNING a.id, a.email, a.name, a.role, a.email_verified_at",
    )
    .bind(id)
    .bind(shown.secret.as_slice())
    .bind(shown.current.as_slice())
    .bind(next.as_slice())
    .bind(ttl.as_secs_f64())
    .fetch_optional(pool)
    .await?;
    if let Some(row) = row {
        return Ok(Rotation::Done(account(row)?));
    }
    let owner: Option<(Uuid,)> = sqlx::query_as(
        "UPDATE sessions SET ended_at = clock_timestamp(), end_reason = $4
         WHERE id = $1 AND secret = $2 AND current <> $3 AND ended_at IS NULL AND expires_at > clock_timestamp()
         RETURNING account",
    )
    .bind(id)
    .bind(shown.secret.as_slice())
    .bind(shown.current.as_slice())
    .bind(EndReason::Reused.as_str())
    .fetch_optional(pool)
    .await?;
    Ok(owner.map_or(Rotation::Unknown, |(account,)| Rotation::Reused(AccountId(account))))
}

/// Removes some sessions that ended or expired long ago; to be repeated while it removes anything.
pub async fn forget(pool: &PgPool) -> Result<u64, StorageError> {
    // sessions_by_expiry. One that ended early is kept until it would have expired, and as long again as the others.
    let done = sqlx::query(
        "DELETE FROM sessions WHERE ctid = ANY(ARRAY(
             SELECT ctid FROM sessions WHERE expires_at < now() - $1 * interval '1 day' LIMIT $2))",
    )
    .bind(i32::from(KEPT_DAYS))
    .bind(ROWS_MAX)
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}
