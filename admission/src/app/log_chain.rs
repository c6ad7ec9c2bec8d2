//! The operators' log as a hash chain: who changes an entry afterwards, or takes one out, is found out.
//!
//! `hash = SHA-256(hash of the entry before ‖ canonical entry)`, where the first entry's predecessor is 32 zero bytes and the
//! canonical entry is the JSON array `[event, number, at, actor, change, reason]`: `at` in Unix microseconds, `actor` null for
//! the schedule, no white space, strings escaped as by RFC 8259 with the shortest escapes.

use goticket_domain::queue::LogEntry;
use goticket_domain::{AccountId, EventId};
use goticket_storage::StorageError;
use goticket_storage::rooms::{LogRow, append_log, latest_log, log_from, now};
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgPool};

use goticket_domain::queue::QueueError;

use super::{WaitingRoomService, storage_failed};

/// Before the first entry.
const GENESIS: [u8; 32] = [0; 32];
/// Entries read at once.
const PAGE: u32 = 500;

/// An entry's hash; its own `hash` is not looked at.
pub fn hash(event: EventId, before: [u8; 32], entry: &LogRow) -> [u8; 32] {
    let at_us = entry.at.as_microsecond();
    let canonical = serde_json::json!([event, entry.number, at_us, entry.actor, entry.change, entry.reason]);
    Sha256::new().chain_update(before).chain_update(canonical.to_string()).finalize().into()
}

/// The chain does not hold.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Entries are missing before this one, or numbers were changed.
    #[error("entry {expected} is missing")]
    Missing {
        /// The number that should have come.
        expected: u64,
    },
    /// This entry, or the one before, is not what was written.
    #[error("entry {number} was changed")]
    Changed {
        /// Its number.
        number: u64,
    },
}

/// Checks a whole log, oldest entry first. It cannot tell that entries were cut off at the end: compare the last hash with one
/// noted elsewhere.
pub fn verify(event: EventId, entries: &[LogRow]) -> Result<(), Broken> {
    let mut before = GENESIS;
    for (expected, entry) in (1..).zip(entries) {
        if entry.number != expected {
            return Err(Broken::Missing { expected });
        }
        if entry.hash != hash(event, before, entry) {
            return Err(Broken::Changed { number: entry.number });
        }
        before = entry.hash;
    }
    Ok(())
}

/// A whole log, oldest entry first.
pub async fn read_all(pool: &PgPool, event: EventId) -> Result<Vec<LogRow>, StorageError> {
    let mut entries = Vec::new();
    let mut last = None;
    loop {
        let page = log_from(pool, event, last, PAGE).await?;
        let Some(oldest) = page.last().map(|entry| entry.number) else { break };
        entries.extend(page);
        last = Some(oldest.saturating_sub(1));
    }
    entries.reverse();
    Ok(entries)
}

/// What is to be logged.
pub(super) struct Change<'a> {
    pub(super) actor: Option<AccountId>,
    pub(super) what: serde_json::Value,
    pub(super) reason: &'a str,
}

/// Appends to the chain, in the transaction that holds the room's lock.
pub(super) async fn append(tx: &mut PgConnection, event: EventId, change: Change<'_>) -> Result<(), StorageError> {
    let (number, before) = latest_log(tx, event).await?.unwrap_or((0, GENESIS));
    let mut entry = LogRow {
        number: number + 1,
        at: now(tx).await?,
        actor: change.actor,
        change: change.what.to_string(),
        reason: change.reason.to_owned(),
        hash: GENESIS,
    };
    entry.hash = hash(event, before, &entry);
    append_log(tx, event, &entry).await
}

impl WaitingRoomService {
    /// The latest entries, newest first.
    pub(super) async fn read_log(&self, event: EventId, limit: u32) -> Result<Vec<LogEntry>, QueueError> {
        self.room(event).await?;
        let rows = log_from(&self.pool, event, None, limit.min(PAGE)).await.map_err(storage_failed)?;
        let entry = |row: LogRow| LogEntry {
            number: row.number,
            at: row.at,
            actor: row.actor,
            change: row.change,
            reason: row.reason,
            hash: hex::encode(row.hash),
        };
        Ok(rows.into_iter().map(entry).collect())
    }
}
