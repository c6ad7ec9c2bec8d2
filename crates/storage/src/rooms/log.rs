//! The hash chain of a room's changes, as rows. What a hash covers is the domain's.

use goticket_domain::queue::{ControlLogHead, LogEntry};
use goticket_domain::{AccountId, EventId};
use jiff::Timestamp;
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

use super::{bindable, digest, number, one};
use crate::StorageError;

#[derive(FromRow)]
struct Row {
    number: i64,
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    at: Timestamp,
    actor: Option<Uuid>,
    change: String,
    reason: String,
    hash: Vec<u8>,
}

impl TryFrom<Row> for LogEntry {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            number: number("number", row.number)?,
            at: row.at,
            actor: row.actor.map(AccountId),
            change: row.change,
            reason: row.reason,
            hash: hex::encode(row.hash),
        })
    }
}

/// A head as its columns say it.
pub(super) fn head(number: i64, hash: &[u8]) -> Result<ControlLogHead, StorageError> {
    let hash: [u8; 32] = digest("log_hash", hash)?;
    Ok(ControlLogHead { number: super::number("log_number", number)?, hash: hex::encode(hash) })
}

/// Where the log of a room ends. Under the room's lock, or somebody else may append meanwhile.
pub async fn log_head(connection: &mut PgConnection, event: EventId) -> Result<ControlLogHead, StorageError> {
    let (number, hash): (i64, Vec<u8>) =
        sqlx::query_as("SELECT log_number, log_hash FROM rooms WHERE event = $1").bind(event.0).fetch_one(connection).await?;
    head(number, &hash)
}

/// Appends an entry, under the room's lock. The primary key refuses a second one with its number.
pub async fn append_log(connection: &mut PgConnection, event: EventId, entry: &LogEntry) -> Result<(), StorageError> {
    let unreadable = |error: hex::FromHexError| StorageError::Unexpected(format!("the hash of a log's entry: {error}"));
    let done = sqlx::query(
        "WITH appended AS (
             INSERT INTO room_log (event, number, at, actor, change, reason, hash) VALUES ($1, $2, $3, $4, $5, $6, $7)
             RETURNING event, number, hash
         )
         UPDATE rooms r SET log_number = a.number, log_hash = a.hash FROM appended a WHERE r.event = a.event",
    )
    .bind(event.0)
    .bind(number::<_, i64>("number", entry.number)?)
    .bind(bindable(entry.at))
    .bind(entry.actor.map(|actor| actor.0))
    .bind(&entry.change)
    .bind(&entry.reason)
    .bind(hex::decode(&entry.hash).map_err(unreadable)?)
    .execute(connection)
    .await?;
    one(done.rows_affected(), "append_log")
}

/// Entries after this one, oldest first, at most `limit`.
pub async fn log_after(pool: &PgPool, event: EventId, after: u64, limit: u32) -> Result<Vec<LogEntry>, StorageError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT number, at, actor, change, reason, hash FROM room_log WHERE event = $1 AND number > $2 ORDER BY number LIMIT $3",
    )
    .bind(event.0)
    .bind(number::<_, i64>("number", after)?)
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(LogEntry::try_from).collect()
}

/// Entries before this one (None: from the latest on), newest first, at most `limit`.
pub async fn log_from(pool: &PgPool, event: EventId, before: Option<u64>, limit: u32) -> Result<Vec<LogEntry>, StorageError> {
    let before = before.map_or(i64::MAX, |before| i64::try_from(before).unwrap_or(i64::MAX));
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT number, at, actor, change, reason, hash FROM room_log
         WHERE event = $1 AND number < $2 ORDER BY number DESC LIMIT $3",
    )
    .bind(event.0)
    .bind(before)
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(LogEntry::try_from).collect()
}
