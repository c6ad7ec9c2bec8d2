//! The hash chain of a room's changes, as rows. What the hash covers is the admission service's.

use goticket_domain::{AccountId, EventId};
use jiff::Timestamp;
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

use super::{bindable, digest, number};
use crate::StorageError;

/// One entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogRow {
    /// Running number, from 1.
    pub number: u64,
    /// When, by the database's clock.
    pub at: Timestamp,
    /// Who; None for the schedule.
    pub actor: Option<AccountId>,
    /// What changed, as JSON.
    pub change: String,
    /// Why.
    pub reason: String,
    /// Over the entry before and this one.
    pub hash: [u8; 32],
}

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

impl TryFrom<Row> for LogRow {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            number: number("number", row.number)?,
            at: row.at,
            actor: row.actor.map(AccountId),
            change: row.change,
            reason: row.reason,
            hash: digest("hash", &row.hash)?,
        })
    }
}

/// Number and hash of the latest entry. Under the room's lock, or somebody else may append meanwhile.
pub async fn latest_log(connection: &mut PgConnection, event: EventId) -> Result<Option<(u64, [u8; 32])>, StorageError> {
    let row: Option<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT number, hash FROM room_log WHERE event = $1 ORDER BY number DESC LIMIT 1")
            .bind(event.0)
            .fetch_optional(connection)
            .await?;
    row.map(|(at, hash)| Ok((number("number", at)?, digest("hash", &hash)?))).transpose()
}

/// Appends an entry, under the room's lock. The primary key refuses a second one with its number.
pub async fn append_log(connection: &mut PgConnection, event: EventId, entry: &LogRow) -> Result<(), StorageError> {
    sqlx::query("INSERT INTO room_log (event, number, at, actor, change, reason, hash) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(event.0)
        .bind(number::<_, i64>("number", entry.number)?)
        .bind(bindable(entry.at))
        .bind(entry.actor.map(|actor| actor.0))
        .bind(&entry.change)
        .bind(&entry.reason)
        .bind(entry.hash.as_slice())
        .execute(connection)
        .await?;
    Ok(())
}

/// Entries with a number of at most `last` (None: from the latest on), newest first, at most `limit`.
pub async fn log_from(pool: &PgPool, event: EventId, last: Option<u64>, limit: u32) -> Result<Vec<LogRow>, StorageError> {
    let last = last.map_or(i64::MAX, |last| i64::try_from(last).unwrap_or(i64::MAX));
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT number, at, actor, change, reason, hash FROM room_log
         WHERE event = $1 AND number <= $2 ORDER BY number DESC LIMIT $3",
    )
    .bind(event.0)
    .bind(last)
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(LogRow::try_from).collect()
}
