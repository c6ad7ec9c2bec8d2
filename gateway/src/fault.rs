//! What any use case can fail with through no fault of the caller's.

use goticket_storage::StorageError;

/// A store is away, or there is a bug.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Fault {
    /// Ask again later. If something was being changed, whether it was is unknown.
    #[error("{what} is unavailable: {cause}")]
    Unavailable {
        /// Which store or service.
        what: &'static str,
        /// For the log.
        cause: String,
    },
    /// Nothing the caller can do.
    #[error("{0}")]
    Bug(String),
}

impl From<StorageError> for Fault {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Unavailable(_) | StorageError::Conflict(_) | StorageError::Guard { .. } => {
                Self::Unavailable { what: "the database", cause: error.to_string() }
            }
            StorageError::Constraint { .. } | StorageError::Unexpected(_) => Self::Bug(error.to_string()),
        }
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        StorageError::from(error).into()
    }
}

impl From<redis::RedisError> for Fault {
    fn from(error: redis::RedisError) -> Self {
        if goticket_platform::redis::is_unavailable(&error) {
            Self::Unavailable { what: "Redis", cause: error.to_string() }
        } else {
            Self::Bug(error.to_string())
        }
    }
}
