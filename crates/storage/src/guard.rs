//! Guarded changes: every statement that changes rows says how many it must have changed.

use crate::StorageError;

/// Somebody else was there in between if not every row was changed.
pub(crate) fn all(changed: u64, expected: usize) -> Result<(), StorageError> {
    if u64::try_from(expected) == Ok(changed) {
        return Ok(());
    }
    Err(StorageError::Conflict(sqlx::Error::Protocol(format!("{changed} of {expected} rows were as they had been read"))))
}
