//! One partition of the outbox per day (UTC): made ahead, dropped when old and published. What lies in the overflow partition is deleted
//! by the same rule, a little at a time.

use jiff::{Timestamp, civil::Date};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};

use crate::StorageError;

/// How long making or dropping a partition may wait for its lock, during which writers queue up behind it.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '200ms'";

/// Partitions are called this and their day, `outbox_d20261122`.
const NAME_PREFIX: &str = "outbox_d";

/// Rows of one lane, and of all lanes, that one statement deletes from the overflow partition: more would hold their locks for long.
const DELETED_PER_LANE: i64 = 500;
const DELETED_AT_ONCE: i64 = 5_000;

/// Such statements in one round: nothing is published meanwhile. What is left waits for the next round.
const DELETIONS: u32 = 10;

/// What one round of housekeeping did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Housekeeping {
    /// Partitions made.
    pub made: Vec<String>,
    /// Partitions dropped.
    pub dropped: Vec<String>,
    /// Rows deleted from the overflow partition.
    pub deleted: u64,
    /// Days that could not be made or dropped this time, and why. A day of which the overflow partition already has rows never
    /// gets one; its rows stay where they are.
    pub left: Vec<String>,
}

/// Makes today's and the next `days_ahead` days' partitions, and drops those older than `retention_days` of which every row is
/// published; such rows of the overflow partition are deleted. Safe beside a live sale: whatever does not get its lock at once waits for the next round.
pub async fn housekeeping(db: &mut PgConnection, days_ahead: u16, retention_days: u16) -> Result<Housekeeping, StorageError> {
    let today: String = sqlx::query_scalar("SELECT (now() AT TIME ZONE 'UTC')::date::text").fetch_one(&mut *db).await?;
    let today: Date = today.parse().map_err(|error: jiff::Error| StorageError::Unexpected(error.to_string()))?;
    let existing = partitions(db).await?;
    let mut done = Housekeeping::default();
    for ahead in 0..=i64::from(days_ahead) {
        let day = today.saturating_add(jiff::Span::new().days(ahead));
        if !existing.contains(&day) {
            match make(db, day).await {
                Ok(()) => done.made.push(name(day)),
                Err(error) => done.left.push(format!("{} not made: {error}", name(day))),
            }
        }
    }
    let oldest_kept = today.saturating_sub(jiff::Span::new().days(i64::from(retention_days)));
    for day in existing.into_iter().filter(|day| *day < oldest_kept) {
        match drop_if_published(db, day).await {
            Ok(true) => done.dropped.push(name(day)),
            Ok(false) => done.left.push(format!("{} not dropped: it has unpublished rows", name(day))),
            Err(error) => done.left.push(format!("{} not dropped: {error}", name(day))),
        }
    }
    for _ in 0..DELETIONS {
        match delete_overflow(db, oldest_kept).await? {
            0 => break,
            rows => done.deleted += rows,
        }
    }
    Ok(done)
}

/// Since when every row is still there, if housekeeping keeps `retention_days`: the beginning (UTC) of the first of so many days, today
/// included. [`housekeeping`] keeps one day more, so that a transaction over midnight, or an audit, does not stand on the edge.
pub async fn complete_since(pool: &PgPool, retention_days: u16) -> Result<Timestamp, StorageError> {
    let since: jiff_sqlx::Timestamp =
        sqlx::query_scalar("SELECT ((now() AT TIME ZONE 'UTC')::date - ($1::int - 1))::timestamp AT TIME ZONE 'UTC'")
            .bind(i32::from(retention_days))
            .fetch_one(pool)
            .await?;
    Ok(since.to_jiff())
}

/// The days that have a partition.
async fn partitions(db: &mut PgConnection) -> Result<Vec<Date>, StorageError> {
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
         WHERE i.inhparent = 'outbox'::regclass ORDER BY c.relname",
    )
    .fetch_all(db)
    .await?;
    let day = |name: &String| Date::strptime("%Y%m%d", name.strip_prefix(NAME_PREFIX)?).ok();
    Ok(names.iter().filter_map(day).collect())
}

/// Attaching a table takes a lock that inserts don't feel; creating it as a partition would block them.
async fn make(db: &mut PgConnection, day: Date) -> Result<(), StorageError> {
    let (name, until) = (name(day), day.saturating_add(jiff::Span::new().days(1)));
    let mut tx = db.begin().await?;
    sqlx::query(LOCK_TIMEOUT).execute(&mut *tx).await?;
    let create = format!("CREATE TABLE {name} (LIKE outbox INCLUDING DEFAULTS INCLUDING CONSTRAINTS)");
    sqlx::query(AssertSqlSafe(create)).execute(&mut *tx).await?;
    let attach =
        format!("ALTER TABLE outbox ATTACH PARTITION {name} FOR VALUES FROM ('{day} 00:00:00Z') TO ('{until} 00:00:00Z')");
    sqlx::query(AssertSqlSafe(attach)).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(())
}

/// False where a row of that day lies behind its lane's cursor: the lane's last row of that day decides.
async fn drop_if_published(db: &mut PgConnection, day: Date) -> Result<bool, StorageError> {
    let name = name(day);
    let mut tx = db.begin().await?;
    sqlx::query(LOCK_TIMEOUT).execute(&mut *tx).await?;
    // One look per lane, by the partition's index on (lane, position). Nobody writes rows of a day that is long over.
    let unpublished = format!(
        "SELECT EXISTS (
             SELECT FROM outbox_cursors c
             CROSS JOIN LATERAL (SELECT position FROM {name} WHERE lane = c.lane ORDER BY position DESC LIMIT 1) last
             WHERE last.position > c.position)"
    );
    let unpublished: bool = sqlx::query_scalar(AssertSqlSafe(unpublished)).fetch_one(&mut *tx).await?;
    if unpublished {
        return Ok(false);
    }
    sqlx::query(AssertSqlSafe(format!("DROP TABLE {name}"))).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(true)
}

/// Deletes some published rows of days before `oldest_kept` from the overflow partition; zero where there are none left.
async fn delete_overflow(db: &mut PgConnection, oldest_kept: Date) -> Result<u64, StorageError> {
    // Each lane's first rows, by the index on (lane, position): the oldest are always the first. Relays read behind the cursor, and
    // nothing updates a row, so that nobody waits for this.
    let done = sqlx::query(
        "WITH old AS (
             SELECT first.lane, first.position
             FROM outbox_cursors c
             CROSS JOIN LATERAL (
                 SELECT lane, position, written_at FROM outbox_overflow
                 WHERE lane = c.lane AND position <= c.position
                 ORDER BY position
                 LIMIT $2) first
             WHERE first.written_at < $1::date::timestamp AT TIME ZONE 'UTC'
             LIMIT $3)
         DELETE FROM outbox_overflow o USING old WHERE o.lane = old.lane AND o.position = old.position",
    )
    .bind(oldest_kept.to_string())
    .bind(DELETED_PER_LANE)
    .bind(DELETED_AT_ONCE)
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

fn name(day: Date) -> String {
    format!("{NAME_PREFIX}{}", day.strftime("%Y%m%d"))
}
