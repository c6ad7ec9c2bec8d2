//! How waiting rooms went: a row for each interval, written by the room's owner, read by whoever runs the sale.

use goticket_domain::EventId;
use goticket_domain::queue::Entry;
use jiff::Timestamp;
use sqlx::{FromRow, PgPool};

use crate::columns::number;
use crate::rooms::owners::fence;
use crate::{StorageError, queue_log};

/// Rows kept of a room: a week of intervals of ten seconds. More would make the table larger than the logs of small rooms.
pub const ROWS_KEPT: i64 = 60_480;
/// Segments read at once.
const PAGE: u32 = 100;

/// Up to where a room is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counted {
    /// When, Unix ms.
    pub at_ms: i64,
    /// Entries of the log.
    pub position: u64,
    /// Turns that had come.
    pub admitted: u64,
    /// Of them, those that were neither claimed nor over.
    pub unclaimed: u64,
}

/// What a stretch of the log says, each entry counted once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Places taken.
    pub joined: u64,
    /// Places and sessions given back.
    pub left: u64,
    /// Turns that were claimed.
    pub claimed: u64,
    /// Turns that had passed and come once more.
    pub deferred: u64,
}

/// One interval of one room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interval {
    /// Its end; it begins where the one before ends.
    pub at: Timestamp,
    /// Places taken.
    pub joined: u64,
    /// Places and sessions given back.
    pub left: u64,
    /// Turns that came.
    pub admitted: u64,
    /// Turns that were claimed.
    pub claimed: u64,
    /// Turns that were over unclaimed.
    pub no_shows: u64,
    /// Fans who came back after that, and whose turn comes once more.
    pub deferred: u64,
    /// In line at its end.
    pub waiting: u64,
    /// Inside at its end.
    pub inside: u64,
    /// The rate in force at its end.
    pub rate_per_min: u32,
}

#[derive(FromRow)]
struct CountedRow {
    at_ms: i64,
    position: i64,
    admitted: i64,
    unclaimed: i64,
}

#[derive(FromRow)]
struct Row {
    at_ms: i64,
    joined: i64,
    gone: i64,
    admitted: i64,
    claimed: i64,
    no_shows: i64,
    deferred: i64,
    waiting: i64,
    inside: i64,
    rate_per_min: i32,
}

impl TryFrom<Row> for Interval {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        let unreadable = |error: jiff::Error| StorageError::Unexpected(format!("an interval's end: {error}"));
        Ok(Self {
            at: Timestamp::from_millisecond(row.at_ms).map_err(unreadable)?,
            joined: number(row.joined)?,
            left: number(row.gone)?,
            admitted: number(row.admitted)?,
            claimed: number(row.claimed)?,
            no_shows: number(row.no_shows)?,
            deferred: number(row.deferred)?,
            waiting: number(row.waiting)?,
            inside: number(row.inside)?,
            rate_per_min: number(row.rate_per_min)?,
        })
    }
}

/// Up to where the room is counted; nothing, where it never was.
pub async fn counted(pool: &PgPool, event: EventId) -> Result<Option<Counted>, StorageError> {
    let row: Option<CountedRow> =
        sqlx::query_as("SELECT at_ms, position, admitted, unclaimed FROM queue_counted WHERE event = $1")
            .bind(event.0)
            .fetch_optional(pool)
            .await?;
    let read = |row: CountedRow| {
        let (position, admitted, unclaimed) = (number(row.position)?, number(row.admitted)?, number(row.unclaimed)?);
        Ok(Counted { at_ms: row.at_ms, position, admitted, unclaimed })
    };
    row.map(read).transpose()
}

/// Counts the entries from one position of the log to another. Reads them all: some megabytes for an interval in which a million join.
pub async fn tally(pool: &PgPool, event: EventId, from: u64, to: u64) -> Result<Tally, StorageError> {
    let (mut tally, mut position) = (Tally::default(), from);
    while position < to {
        let segments = queue_log::read(pool, event, position, PAGE).await?;
        let Some(last) = segments.last() else { break };
        position = last.end();
        let entries = segments.iter().flat_map(|segment| (segment.first..).zip(&segment.entries));
        for (_, entry) in entries.take_while(|(at, _)| *at < to) {
            match entry {
                Entry::Join(_) => tally.joined += 1,
                Entry::Leave(_) | Entry::End { .. } => tally.left += 1,
                Entry::Claim { .. } => tally.claimed += 1,
                Entry::Defer(_) => tally.deferred += 1,
                _ => {}
            }
        }
    }
    Ok(tally)
}

/// Writes an interval that follows from `before`, and forgets the oldest ones. False where somebody else has counted on meanwhile, or the
/// epoch is another one by now: nothing is written then.
pub async fn write(
    pool: &PgPool,
    event: EventId,
    epoch: i64,
    before: Option<Counted>,
    after: Counted,
    interval: &Interval,
) -> Result<bool, StorageError> {
    let mut tx = pool.begin().await?;
    if !fence(&mut tx, event, epoch).await? {
        return Ok(false);
    }
    // Of two, the second one finds another time.
    let moved = sqlx::query(
        "INSERT INTO queue_counted AS c (event, at_ms, position, admitted, unclaimed) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (event) DO UPDATE SET at_ms = excluded.at_ms, position = excluded.position, admitted = excluded.admitted,
                                           unclaimed = excluded.unclaimed
         WHERE c.at_ms = $6 AND c.at_ms < excluded.at_ms",
    )
    .bind(event.0)
    .bind(after.at_ms)
    .bind(number::<_, i64>(after.position)?)
    .bind(number::<_, i64>(after.admitted)?)
    .bind(number::<_, i64>(after.unclaimed)?)
    .bind(before.map(|before| before.at_ms))
    .execute(&mut *tx)
    .await?;
    if moved.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(
        "INSERT INTO queue_statistics (event, at_ms, joined, gone, admitted, claimed, no_shows, waiting, inside, rate_per_min, deferred)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(event.0)
    .bind(after.at_ms)
    .bind(number::<_, i64>(interval.joined)?)
    .bind(number::<_, i64>(interval.left)?)
    .bind(number::<_, i64>(interval.admitted)?)
    .bind(number::<_, i64>(interval.claimed)?)
    .bind(number::<_, i64>(interval.no_shows)?)
    .bind(number::<_, i64>(interval.waiting)?)
    .bind(number::<_, i64>(interval.inside)?)
    .bind(number::<_, i32>(interval.rate_per_min)?)
    .bind(number::<_, i64>(interval.deferred)?)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(true)
}

/// Forgets the rows of a room beyond [`ROWS_KEPT`]; returns how many those were. One look into the primary key where there are none.
pub async fn prune(pool: &PgPool, event: EventId) -> Result<u64, StorageError> {
    let done = sqlx::query(
        "DELETE FROM queue_statistics WHERE event = $1 AND at_ms <= (
             SELECT at_ms FROM queue_statistics WHERE event = $1 ORDER BY at_ms DESC OFFSET $2 LIMIT 1)",
    )
    .bind(event.0)
    .bind(ROWS_KEPT)
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

/// Intervals that end after this time, the earliest first, at most `limit`.
pub async fn read(pool: &PgPool, event: EventId, after: Timestamp, limit: u32) -> Result<Vec<Interval>, StorageError> {
    // By primary key.
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT at_ms, joined, gone, admitted, claimed, no_shows, deferred, waiting, inside, rate_per_min
         FROM queue_statistics WHERE event = $1 AND at_ms > $2 ORDER BY at_ms LIMIT $3",
    )
    .bind(event.0)
    .bind(after.as_millisecond())
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(Interval::try_from).collect()
}
