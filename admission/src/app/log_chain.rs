//! The operators' log: entries are appended to its hash chain, under the room's lock, and read. What the chain proves is the domain's
//! (`control_log`).

use goticket_domain::queue::{ControlLogHead, LogEntry, QueueError};
use goticket_domain::{AccountId, EventId};
use goticket_storage::StorageError;
use goticket_storage::rooms::{append_log, log_from, log_head, now};
use sqlx::PgConnection;

use super::{WaitingRoomService, storage_failed};

/// Most entries of one answer.
const PAGE: u32 = 500;

/// What is to be logged.
pub(super) struct Change<'a> {
    pub(super) actor: Option<AccountId>,
    pub(super) what: serde_json::Value,
    pub(super) reason: &'a str,
}

/// Appends to the chain, in the transaction that holds the room's lock.
pub(super) async fn append(tx: &mut PgConnection, event: EventId, change: Change<'_>) -> Result<(), StorageError> {
    let head: ControlLogHead = log_head(tx, event).await?;
    let mut entry = LogEntry {
        number: head.number + 1,
        at: now(tx).await?,
        actor: change.actor,
        change: change.what.to_string(),
        reason: change.reason.to_owned(),
        hash: String::new(),
    };
    entry.hash = head.after(event, &entry).hash;
    append_log(tx, event, &entry).await
}

impl WaitingRoomService {
    /// The latest entries, or those before one, newest first.
    pub(super) async fn read_log(&self, event: EventId, before: Option<u64>, limit: u32) -> Result<Vec<LogEntry>, QueueError> {
        self.room(event).await?;
        log_from(&self.pool, event, before, limit.min(PAGE)).await.map_err(storage_failed)
    }
}
