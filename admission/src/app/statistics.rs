//! How a room went: its owner writes a row for every ten seconds, from what its tick sees and what the log says since the row before.
//!
//! Whoever owns the room next goes on from the last row: an interval in which no one did is part of the next one, and nothing is counted
//! twice. What fails is made up for by the next row. The rows of rooms in which nothing happened are written together.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use goticket_domain::EventId;
use goticket_storage::queue_statistics::{self as stored, Counted, Interval, Row, Tally};
use goticket_storage::{StorageError, answered};
use jiff::Timestamp;
use sqlx::PgPool;
use tokio::time::Duration;

use super::WaitingRoomService;
use super::rooms::Known;
use crate::outbound::redis::Snapshot;

/// Between two rows.
const INTERVAL_MS: i64 = 10_000;
/// Between two looks for rows that are too old.
const PRUNE_EVERY_MS: i64 = 3_600_000;
/// Between two looks for intervals that have ended.
pub(super) const WRITE_EVERY: Duration = Duration::from_secs(1);
/// Rows that are written together: a commit of some milliseconds.
const WRITTEN_AT_ONCE: usize = 100;

/// Intervals that have ended and are to be written: of each room the last one, of which those before are a part.
#[derive(Default)]
pub(super) struct Ended(Mutex<HashMap<EventId, Sight>>);

/// What a tick has seen when the interval had ended.
#[derive(Clone, Copy, Debug)]
struct Sight {
    event: EventId,
    epoch: i64,
    at_ms: i64,
    applied: u64,
    admitted: u64,
    unclaimed: u64,
    waiting: u64,
    inside: u64,
    rate_per_min: u32,
}

impl Known {
    /// When an interval has ended since the last look, if one has.
    pub(super) fn interval_ended(&self) -> Option<i64> {
        let at_ms = self.log.now_ms() / INTERVAL_MS * INTERVAL_MS;
        (self.memory().counted_ms < at_ms).then_some(at_ms)
    }
}

impl WaitingRoomService {
    /// The interval is to be written, beside whatever the tick does next.
    pub(super) fn count(&self, known: &Known, epoch: i64, at_ms: i64, seen: &Snapshot) {
        known.memory().counted_ms = at_ms;
        let sight = Sight {
            event: known.room.event,
            epoch,
            at_ms,
            applied: seen.applied,
            admitted: seen.admitted,
            unclaimed: seen.unclaimed,
            waiting: seen.waiting,
            inside: seen.inside,
            rate_per_min: known.room.rate_per_min(),
        };
        self.ended.0.lock().unwrap_or_else(PoisonError::into_inner).insert(sight.event, sight);
    }

    /// Writes the intervals that have ended. Those with something to count in the log go beside: a long stretch takes its time.
    pub(super) async fn write_intervals(&self) {
        let ended = std::mem::take(&mut *self.ended.0.lock().unwrap_or_else(PoisonError::into_inner));
        let ended: Vec<Sight> = ended.into_values().collect();
        for sights in ended.chunks(WRITTEN_AT_ONCE) {
            if let Err(error) = write_all(&self.pool, sights).await {
                tracing::debug!(%error, "intervals are not written: the next ones have them");
            }
        }
    }
}

async fn write_all(pool: &PgPool, sights: &[Sight]) -> Result<(), StorageError> {
    let events: Vec<EventId> = sights.iter().map(|sight| sight.event).collect();
    let counted: HashMap<EventId, Counted> = answered(stored::counted(pool, &events)).await?.into_iter().collect();
    let mut idle = Vec::new();
    for sight in sights {
        let before = counted.get(&sight.event).copied();
        let from = before.unwrap_or_default();
        if before.is_some() && from.at_ms >= sight.at_ms {
            continue;
        }
        if from.position < sight.applied {
            let (pool, sight) = (pool.clone(), *sight);
            tokio::spawn(async move {
                if let Err(error) = write_counted(&pool, before, sight).await {
                    tracing::debug!(event = %sight.event, %error, "an interval is not written: the next one has it");
                }
            });
        } else {
            idle.push(row(before, Tally::default(), sight)?);
        }
    }
    put(pool, &idle).await
}

async fn write_counted(pool: &PgPool, before: Option<Counted>, sight: Sight) -> Result<(), StorageError> {
    let tally = stored::tally(pool, sight.event, before.unwrap_or_default().position, sight.applied).await?;
    put(pool, &[row(before, tally, &sight)?]).await
}

async fn put(pool: &PgPool, rows: &[Row]) -> Result<(), StorageError> {
    if rows.is_empty() {
        return Ok(());
    }
    answered(stored::write(pool, rows)).await?;
    for row in rows.iter().filter(|row| row.after.at_ms % PRUNE_EVERY_MS == 0) {
        answered(stored::prune(pool, row.event)).await?;
    }
    Ok(())
}

/// The interval that ended with this sight, in which the log says that.
fn row(before: Option<Counted>, tally: Tally, sight: &Sight) -> Result<Row, StorageError> {
    let from = before.unwrap_or_default();
    let admitted = sight.admitted.saturating_sub(from.admitted);
    let open = (from.unclaimed + admitted).saturating_sub(tally.claimed);
    let no_shows = open.saturating_sub(sight.unclaimed);
    let unreadable = |error: jiff::Error| StorageError::Unexpected(error.to_string());
    let interval = Interval {
        at: Timestamp::from_millisecond(sight.at_ms).map_err(unreadable)?,
        joined: tally.joined,
        left: tally.left,
        admitted,
        claimed: tally.claimed,
        no_shows,
        deferred: tally.deferred,
        waiting: sight.waiting,
        inside: sight.inside,
        rate_per_min: sight.rate_per_min,
    };
    let position = sight.applied.max(from.position);
    let after = Counted { at_ms: sight.at_ms, position, admitted: sight.admitted, unclaimed: open - no_shows };
    Ok(Row { event: sight.event, epoch: sight.epoch, before, after, interval })
}
