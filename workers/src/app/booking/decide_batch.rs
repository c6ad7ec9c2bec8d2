//! One attempt at one batch: lock, read, decide in memory, write, commit. One transaction, whatever the batch holds.

use std::time::{Duration, Instant};

use goticket_contracts::{commands::Action, replies::ReplyResult};
use goticket_storage::StorageError;
use sqlx::{Connection as _, PgConnection, PgPool};
use tokio::time::timeout;

use super::{
    desk::Desk,
    job::Job,
    load::{Contested, load},
    plans::Plans,
    write::write,
};

/// A batch that is committed.
pub(super) struct Decided {
    /// One per job, in their order.
    pub(super) results: Vec<ReplyResult>,
    /// What was decided, for the seat map.
    pub(super) desk: Desk,
    /// When the commit was known to have succeeded.
    pub(super) at: Instant,
}

/// Why an attempt came to nothing. Nothing was committed, except perhaps if the database went away: then running the batch again
/// finds its outcomes stored.
#[derive(Debug)]
pub(super) enum Failure {
    /// A concurrent transaction was faster; reading anew helps.
    Conflict {
        /// What was hit.
        why: String,
    },
    /// The database is away, or somebody holds a lock for long: only waiting helps.
    Unavailable(StorageError),
    /// The database gave up on a statement after its time-out.
    TooSlow(StorageError),
    /// The same will happen again.
    Broken {
        /// What the database says.
        why: String,
    },
}

/// Constraints that a concurrent twin can make us hit: it was not there when we looked.
const TWINS: [&str; 4] = ["booking_seats_one_live", "booking_requests_pkey", "booking_requests_booking_key", "bookings_pkey"];

/// Tries to decide the batch within `limit`. What this attempt gave away is added to `contested.lost`, in case it fails.
///
/// The limit is for a network that goes silent without closing anything. The broker still hears such a worker, so nobody else would get
/// the section's commands.
pub(super) async fn decide_batch(
    pool: &PgPool,
    limit: Duration,
    plans: &Plans,
    jobs: &[Job],
    contested: &mut Contested,
) -> Result<Decided, Failure> {
    let begun = Instant::now();
    let mut connection = pool.acquire().await.map_err(|error| Failure::from(StorageError::from(error)))?;
    let decided = timeout(limit, in_transaction(&mut connection, plans, jobs, contested)).await;
    let Ok(decided) = decided else {
        // Not back into the pool: whatever the connection still says belongs to this batch.
        drop(connection.detach());
        return Err(Failure::Unavailable(StorageError::Unavailable(sqlx::Error::PoolTimedOut)));
    };
    let (results, desk) = decided?;
    metrics::histogram!("goticket_booking_commit_seconds").record(begun.elapsed());
    Ok(Decided { results, desk, at: Instant::now() })
}

async fn in_transaction(
    connection: &mut PgConnection,
    plans: &Plans,
    jobs: &[Job],
    contested: &mut Contested,
) -> Result<(Vec<ReplyResult>, Desk), Failure> {
    let mut transaction = connection.begin().await.map_err(StorageError::from)?;
    let mut desk = load(&mut transaction, plans, jobs, contested).await?;
    let results = jobs.iter().map(|job| handle(&mut desk, job)).collect();
    let written = write(&mut transaction, &desk).await;
    if written.is_err() {
        contested.lost.extend(desk.given.iter().copied());
    }
    written?;
    transaction.commit().await.map_err(StorageError::from)?;
    Ok((results, desk))
}

fn handle(desk: &mut Desk, job: &Job) -> ReplyResult {
    match (&job.command.action, &job.condemned) {
        (Action::Create { request }, Some(condemned)) => desk.refuse(request, condemned.reason),
        (Action::Create { request }, None) => desk.create(request),
        (Action::Pay { notice }, _) => desk.pay(notice),
        (Action::Cancel { booking, account }, _) => desk.cancel(*booking, *account),
        (Action::Expire { booking }, _) => desk.expire(*booking),
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Constraint { constraint } if TWINS.contains(&constraint.as_str()) => Self::Conflict { why: constraint },
            StorageError::Constraint { constraint } => {
                Self::Broken { why: format!("constraint {constraint} refused the change") }
            }
            // Somebody kept a lock for as long as we are allowed to wait: a twin that stands still.
            StorageError::Conflict(ref cause) if code(cause).as_deref() == Some("55P03") => Self::Unavailable(error),
            StorageError::Conflict(error) => Self::Conflict { why: error.to_string() },
            StorageError::Unavailable(ref cause) if code(cause).as_deref() == Some("57014") => Self::TooSlow(error),
            StorageError::Unavailable(_) => Self::Unavailable(error),
            StorageError::Unexpected(why) => Self::Broken { why },
        }
    }
}

fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(Into::into)
}
