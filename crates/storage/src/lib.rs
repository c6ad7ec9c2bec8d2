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
pub mod lanes;
pub mod leases;
pub mod notifications;
pub mod onsales;
pub mod organizations;
pub mod outbox;
pub mod payments;
pub mod queue_chosen_onsales;
pub mod queue_codes;
pub mod queue_groups;
pub mod queue_identities;
pub mod queue_log;
pub mod queue_relay;
pub mod queue_statistics;
pub mod rooms;
pub mod seats;
pub mod sessions;
pub mod venues;

use std::time::Duration;

use goticket_domain::lane::LaneCount;
use sqlx::{
    PgPool,
    postgres::{PgDatabaseError, PgSeverity},
};

/// What a statement can come back with, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The store is away, timed out, full, read-only, or not as this version expects it (yet): whatever was asked for, ask again
    /// later. If it happened at COMMIT the outcome is unknown.
    #[error("the database is unavailable: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// A unique, foreign-key or check constraint said no; `constraint` is its name.
    #[error("constraint {constraint} refused the change")]
    Constraint {
        /// The constraint's or index' name.
        constraint: String,
    },
    /// A row was not as it had been known: `what` names the kind of row. Nothing was written.
    #[error("{what} were not as they had been known")]
    Guard {
        /// `fence`, `bookings`, `seats` or `payments`.
        what: String,
    },
    /// Lost against a concurrent transaction (deadlock, serialization, lock time-out): try the transaction again.
    #[error("lost against a concurrent transaction: {0}")]
    Conflict(#[source] sqlx::Error),
    /// A stored value does not mean what this version expects, or a statement is wrong: a bug.
    #[error("unexpected database answer: {0}")]
    Unexpected(String),
}

/// Classes of SQLSTATE that say nothing about the one statement that met them (PostgreSQL's manual, appendix A): connections, plans
/// that a migration made stale, read-only servers and ended sessions, logins, missing databases, missing rights and relations (a
/// roll-out), full disks and memory, shutdowns and statement time-outs, the operating system.
const EVERYBODYS: [&str; 10] = ["08", "0A", "25", "26", "28", "3D", "42", "53", "57", "58"];

/// The parts of PostgreSQL that read and write its files. What the system says of a file that may not grow has no code of its own
/// there, e.g. where a quota or a limit is reached before the disk is full.
const ABOUT_FILES: [&str; 3] = ["md.c", "fd.c", "xlog.c"];

/// Whether an error says nothing about the statement that met it. One that ends the session, or the whole server, never does: out of
/// room for its log, PostgreSQL goes down with whatever code the failed write had. `file`: of PostgreSQL's source, where it was raised.
fn is_everybodys(code: &str, severity: Option<PgSeverity>, file: Option<&str>) -> bool {
    matches!(severity, Some(PgSeverity::Fatal | PgSeverity::Panic))
        || file.is_some_and(|file| ABOUT_FILES.contains(&file))
        || EVERYBODYS.iter().any(|class| code.starts_with(class))
}

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::Database(db) = &error {
            let code = db.code().unwrap_or_default();
            let said = db.try_downcast_ref::<PgDatabaseError>();
            let (severity, file) = (said.map(PgDatabaseError::severity), said.and_then(PgDatabaseError::file));
            return match (db.constraint(), code.as_ref()) {
                (Some(what), "GT001") => Self::Guard { what: what.to_owned() },
                (Some(constraint), "23505" | "23503" | "23514") => Self::Constraint { constraint: constraint.to_owned() },
                (_, "40001" | "40P01" | "55P03") => Self::Conflict(error),
                (_, code) if is_everybodys(code, severity, file) => Self::Unavailable(error),
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

/// The server ends every statement and every wait for a lock well before: whoever hears nothing for so long is connected to no one.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// Waits for Postgres no longer than [`ANSWER_TIMEOUT`]. A network that goes silent closes nothing, and the driver would wait for ever.
pub async fn answered<T>(work: impl Future<Output = Result<T, StorageError>>) -> Result<T, StorageError> {
    tokio::time::timeout(ANSWER_TIMEOUT, work).await.unwrap_or_else(|_| Err(StorageError::Unavailable(sqlx::Error::PoolTimedOut)))
}

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A migration failed; nothing of it was kept.
    #[error(transparent)]
    Schema(#[from] sqlx::migrate::MigrateError),
    /// The lanes could not be made.
    #[error("the lanes could not be made: {0}")]
    Lanes(#[from] StorageError),
}

/// Brings the schema up to date, and makes a new installation's lanes: `lanes` of them. Safe to run from several processes at once (an
/// advisory lock orders them). Returns how many lanes the installation has, which is another number if it is older.
pub async fn migrate(pool: &PgPool, lanes: LaneCount) -> Result<LaneCount, MigrateError> {
    sqlx::migrate!("../../migrations").run(pool).await?;
    Ok(lanes::install(pool, lanes).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_befalls_everybody_is_nobodys_fault() {
        let rows = [
            ("23502", PgSeverity::Error, "execMain.c", false),
            ("22P02", PgSeverity::Error, "uuid.c", false),
            ("XX000", PgSeverity::Error, "nodeModifyTable.c", false),
            ("53100", PgSeverity::Error, "md.c", true),
            // A table that may not grow: "could not extend file …: File too large".
            ("XX000", PgSeverity::Error, "md.c", true),
            ("57014", PgSeverity::Error, "postgres.c", true),
            ("57P01", PgSeverity::Fatal, "postgres.c", true),
            // What PostgreSQL says that cannot write its log, with the code of whatever the system said.
            ("53100", PgSeverity::Panic, "xlog.c", true),
            ("XX000", PgSeverity::Panic, "xlog.c", true),
            ("XX000", PgSeverity::Fatal, "postgres.c", true),
        ];
        for (code, severity, file, expected) in rows {
            assert_eq!(is_everybodys(code, Some(severity), Some(file)), expected, "{code} {severity:?} {file}");
        }
        assert!(!is_everybodys("XX000", None, None));
    }
}
