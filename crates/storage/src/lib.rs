//! All of GoTicket's SQL, one module per bounded context.
//!
//! Not here: decisions (they are in `goticket_domain` and the services' use cases), pools' settings (in `goticket_platform`).
//!
//! Conventions: a function that must be part of a larger transaction takes `&mut PgConnection`; a plain read takes `&PgPool`.
//! Every change checks the number of rows it affected. The clock is the database's.

pub mod accounts;
pub mod audit;
pub mod bookings;
mod columns;
pub mod events;
pub mod notifications;
pub mod outbox;
pub mod payments;
pub mod rooms;
pub mod seats;
pub mod venues;

use sqlx::PgPool;

/// What a statement can come back with, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The store is away, timed out or shut down: ask again later. If it happened at COMMIT the outcome is unknown.
    #[error("the database is unavailable: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// A unique, foreign-key or check constraint said no; `constraint` is its name.
    #[error("constraint {constraint} refused the change")]
    Constraint {
        /// The constraint's or index' name.
        constraint: String,
    },
    /// Lost against a concurrent transaction (deadlock, serialization, lock time-out): try the transaction again.
    #[error("lost against a concurrent transaction: {0}")]
    Conflict(#[source] sqlx::Error),
    /// A stored value does not mean what this version expects, or a statement is wrong: a bug.
    #[error("unexpected database answer: {0}")]
    Unexpected(String),
}

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::Database(db) = &error {
            let code = db.code().unwrap_or_default();
            return match (db.constraint(), code.as_ref()) {
                (Some(constraint), "23505" | "23503" | "23514") => Self::Constraint { constraint: constraint.to_owned() },
                (_, "40001" | "40P01" | "55P03") => Self::Conflict(error),
                // Statement time-out, shutdown, too many connections, insufficient resources, connection failures.
                (_, "57014" | "57P01" | "57P02" | "57P03" | "53300" | "25P03") => Self::Unavailable(error),
                (_, code) if code.starts_with("08") => Self::Unavailable(error),
                _ => Self::Unexpected(error.to_string()),
            };
        }
        match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Protocol(_) => Self::Unavailable(error),
            other => Self::Unexpected(other.to_string()),
        }
    }
}

/// Brings the schema up to date. Safe to run from several processes at once (an advisory lock orders them).
pub async fn migrate(pool: &PgPool) -> Result<(), sqlx::migrate::MigrateError> {
    sqlx::migrate!("../../migrations").run(pool).await
}
