//! How waiting rooms went: a row for each interval, written by the room's owner, read by whoever runs the sale.

use goticket_domain::EventId;
use goticket_domain::queue::Entry;
use jiff::Timestamp;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use crate::columns::{number, numbers};
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

/// An interval of a room that is to be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// Whose room.
    pub event: EventId,
    /// Of its owner.
    pub epoch: i64,
    /// Up to where the room was counted before.
    pub before: Option<Counted>,
    /// And is after it.
    pub after: Counted,
    /// What happened between.
    pub interval: Interval,
}

#[derive(FromRow)]
struct CountedRow {
    event: Uuid,
    at_ms: i64,
    position: i64,
    admitted: i64,
    unclaimed: i64,
}

#[derive(FromRow)]
struct IntervalRow {
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

impl TryFrom<IntervalRow> for Interval {
    type Error = StorageError;

    fn try_from(row: IntervalRow) -> Result<Self, StorageError> {
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

/// Up to where these rooms are counted; those that never were are left out.
pub async fn counted(pool: &PgPool, events: &[EventId]) -> Result<Vec<(EventId, Counted)>, StorageError> {
    let events: Vec<Uuid> = events.iter().map(|event| event.0).collect();
    // By primary key.
    let rows: Vec<CountedRow> =
        sqlx::query_as("SELECT event, at_ms, position, admitted, unclaimed FROM queue_counted WHERE event = ANY($1)")
            .bind(events)
            .fetch_all(pool)
            .await?;
    let read = |row: CountedRow| {
        let (position, admitted, unclaimed) = (number(row.position)?, number(row.admitted)?, number(row.unclaimed)?);
        Ok((EventId(row.event), Counted { at_ms: row.at_ms, position, admitted, unclaimed }))
    };
    rows.into_iter().map(read).collect()
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

/// Writes intervals of different rooms, in one statement; returns how many it wrote. Those are left out in which somebody else has counted on
/// meanwhile, or whose epoch is another one by now.
pub async fn write(pool: &PgPool, rows: &[Row]) -> Result<u64, StorageError> {
    // By primary keys. A successor in taking a room waits for this statement, or this one finds its epoch. Of two that count the same room
    // the second one finds another time. In the order of their keys, so that no two wait for each other.
    let written = sqlx::query(
        "WITH new AS MATERIALIZED (
             SELECT n.* FROM UNNEST($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                                    $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[],
                                    $14::bigint[], $15::bigint[], $16::bigint[])
                 AS n (event, epoch, before_ms, at_ms, position, admitted_so_far, unclaimed,
                       joined, gone, admitted, claimed, no_shows, deferred, waiting, inside, rate_per_min)
             JOIN room_owners o ON o.event = n.event AND o.epoch = n.epoch
             ORDER BY n.event FOR SHARE OF o
         ), moved AS (
             UPDATE queue_counted c
             SET at_ms = n.at_ms, position = n.position, admitted = n.admitted_so_far, unclaimed = n.unclaimed
             FROM new n WHERE c.event = n.event AND c.at_ms = n.before_ms AND c.at_ms < n.at_ms
             RETURNING c.event
         ), made AS (
             INSERT INTO queue_counted (event, at_ms, position, admitted, unclaimed)
             SELECT n.event, n.at_ms, n.position, n.admitted_so_far, n.unclaimed FROM new n WHERE n.before_ms IS NULL
             ON CONFLICT DO NOTHING RETURNING event
         )
         INSERT INTO queue_statistics (event, at_ms, joined, gone, admitted, claimed, no_shows, waiting, inside, rate_per_min, deferred)
         SELECT n.event, n.at_ms, n.joined, n.gone, n.admitted, n.claimed, n.no_shows, n.waiting, n.inside, n.rate_per_min::int, n.deferred
         FROM new n JOIN (SELECT event FROM moved UNION ALL SELECT event FROM made) AS counted ON counted.event = n.event",
    )
    .bind(rows.iter().map(|row| row.event.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.epoch).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.before.map(|before| before.at_ms)).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.after.at_ms).collect::<Vec<_>>())
    .bind(numbers::<_, _, i64>(rows, |row| row.after.position)?)
    .bind(numbers::<_, _, i64>(rows, |row| row.after.admitted)?)
    .bind(numbers::<_, _, i64>(rows, |row| row.after.unclaimed)?)
    .bind(numbers::<_, _, i64>(rows, |row| row.interval.joined)?)
    .bind(numbers::<_, _, i64>(rows, |row| row.interval.left)?)
    .bind(numbers::<_, _, i64>(rows, |row| row.interval.admitted)?)
    .bind(numbers::<_, _, i64>(rows, |row| row.interval.claimed)?)
    .bind(numbers::<_, _, i64>(rows, |row| row.interval.no_shows)?)
    .bind(numbers::<_, _, i64>(rows, |row| row.interval.deferred)?)
    .bind(numbers::<_, _, i64>(rows, |row| row.interval.waiting)?)
    .bind(numbers::<_, _, i64>(rows, |row| row.interval.inside)?)
    .bind(numbers::<_, _, i64>(rows, |row| row.interval.rate_per_min)?)
    .execute(pool)
    .await?;
    Ok(written.rows_affected())
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
    let rows: Vec<IntervalRow> = sqlx::query_as(
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
