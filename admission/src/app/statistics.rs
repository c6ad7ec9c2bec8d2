//! How a room went: its owner writes a row for every ten seconds, from what its tick sees and what the log says since the row before.
//!
//! Whoever owns the room next goes on from the last row: an interval in which no one did is part of the next one, and nothing is counted
//! twice. What fails is made up for by the next row.

use goticket_domain::EventId;
use goticket_domain::queue::QueueError;
use goticket_storage::queue_statistics::{self as stored, Counted, Interval};
use goticket_storage::{StorageError, answered};
use jiff::Timestamp;
use sqlx::PgPool;

use super::rooms::Known;
use super::{WaitingRoomService, redis_failed};
use crate::outbound::redis::Snapshot;

/// Between two rows.
const INTERVAL_MS: i64 = 10_000;
/// Between two looks for rows that are too old.
const PRUNE_EVERY_MS: i64 = 3_600_000;

/// Turns that came and are neither claimed nor over, when the interval ended that is to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    at_ms: i64,
    unclaimed: u64,
}

/// What a tick has seen.
struct Sight {
    ended: Ended,
    applied: u64,
    admitted: u64,
    waiting: u64,
    inside: u64,
    rate_per_min: u32,
}

impl WaitingRoomService {
    /// Where an interval has ended since the last look: before the room is looked at, so that what is claimed meanwhile is made up for by
    /// the next row.
    pub(super) async fn interval_ended(&self, known: &Known) -> Result<Option<Ended>, QueueError> {
        let at_ms = known.log.now_ms() / INTERVAL_MS * INTERVAL_MS;
        if known.memory().counted_ms >= at_ms {
            return Ok(None);
        }
        let unclaimed = self.lines.unclaimed(known.room.event).await.map_err(|error| redis_failed(&error))?;
        Ok(Some(Ended { at_ms, unclaimed }))
    }

    /// Writes the interval, beside whatever the tick does next: a long stretch of the log takes its time.
    pub(super) fn count(&self, known: &Known, epoch: i64, ended: Ended, seen: &Snapshot) {
        known.memory().counted_ms = ended.at_ms;
        let (event, pool) = (known.room.event, self.pool.clone());
        let sight = Sight {
            ended,
            applied: seen.applied,
            admitted: seen.admitted,
            waiting: seen.waiting,
            inside: seen.inside,
            rate_per_min: known.room.rate_per_min(),
        };
        tokio::spawn(async move {
            if let Err(error) = write(&pool, event, epoch, &sight).await {
                tracing::debug!(%event, %error, "an interval is not written: the next one has it");
            }
        });
    }
}

async fn write(pool: &PgPool, event: EventId, epoch: i64, sight: &Sight) -> Result<(), StorageError> {
    let before = answered(stored::counted(pool, event)).await?;
    let from = before.unwrap_or_default();
    let at_ms = sight.ended.at_ms;
    if before.is_some_and(|before| before.at_ms >= at_ms) {
        return Ok(());
    }
    let tally = stored::tally(pool, event, from.position, sight.applied).await?;
    let admitted = sight.admitted.saturating_sub(from.admitted);
    let open = (from.unclaimed + admitted).saturating_sub(tally.claimed);
    let no_shows = open.saturating_sub(sight.ended.unclaimed);
    let unreadable = |error: jiff::Error| StorageError::Unexpected(error.to_string());
    let interval = Interval {
        at: Timestamp::from_millisecond(at_ms).map_err(unreadable)?,
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
    let after =
        Counted { at_ms, position: sight.applied.max(from.position), admitted: sight.admitted, unclaimed: open - no_shows };
    answered(stored::write(pool, event, epoch, before, after, &interval)).await?;
    if at_ms % PRUNE_EVERY_MS == 0 {
        answered(stored::prune(pool, event)).await?;
    }
    Ok(())
}
