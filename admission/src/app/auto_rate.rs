//! The automatic rate: a room's owner listens to the booking pipeline, and moves the rate between its limits by the domain's rule.
//!
//! Where the rate stands is written down before it is in force: every replica knows it, and the next owner goes on from it. What was not
//! heard of for too long raises nothing.

use goticket_domain::EventId;
use goticket_domain::queue::{AutoLimits, AutoRate, Health, QueueError};
use goticket_storage::rooms::{self, Room};
use goticket_storage::{StorageError, answered, lanes};
use tokio::time::{Duration, Instant};

use super::rooms::Known;
use super::{WaitingRoomService, redis_failed, storage_failed};

/// Between two looks at the pipeline: as often as it says how it does.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What a room's owner remembers of the pipeline.
#[derive(Default)]
pub(super) struct Following {
    epoch: i64,
    rate: Option<AutoRate>,
    looked: Option<Instant>,
    deaf: bool,
}

impl Following {
    fn is_due(&self) -> bool {
        self.looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY)
    }

    /// The next tick looks at the pipeline in any case.
    pub(super) fn forget_look(&mut self) {
        self.looked = None;
    }

    /// The rate after a look. Of what is written and what is remembered, the one that is in force goes on.
    fn step(&mut self, room: &Room, epoch: i64, limits: AutoLimits, health: Option<Health>, now_ms: i64) -> AutoRate {
        self.looked = Some(Instant::now());
        if std::mem::replace(&mut self.deaf, health.is_none()) != health.is_none() {
            let event = room.event;
            if health.is_some() {
                tracing::info!(%event, "the booking pipeline is heard of again: the rate may rise");
            } else {
                tracing::warn!(%event, "nothing is heard of the booking pipeline: the rate does not rise");
            }
        }
        let remembered =
            self.rate.filter(|rate| self.epoch == epoch && Some(rate.per_min()) == room.auto_rate.map(AutoRate::per_min));
        let before = remembered.or(room.auto_rate).unwrap_or_else(|| AutoRate::start(limits, now_ms));
        let rate = before.step(limits, health, now_ms);
        (self.epoch, self.rate) = (epoch, Some(rate));
        rate
    }
}

impl WaitingRoomService {
    /// The room, after its rate has followed the pipeline. Looks at most once a second; a room that admits no one waits with its rate.
    pub(super) async fn follow_pipeline(&self, known: &Known, epoch: i64) -> Result<Known, QueueError> {
        let room = &known.room;
        let due = room.state.admits_fans() && known.memory().following.is_due();
        let Some(limits) = room.settings.auto.filter(|_| due) else { return Ok(known.clone()) };
        let health = self.pipeline_health(room.seats_of).await;
        let rate = known.memory().following.step(room, epoch, limits, health, known.log.now_ms());
        if Some(rate.per_min()) == room.auto_rate.map(AutoRate::per_min) {
            return Ok(known.clone());
        }
        if answered(rooms::save_rate(&self.pool, room.event, epoch, rate)).await.map_err(storage_failed)? {
            tracing::debug!(event = %room.event, per_min = rate.per_min(), "the rate follows the booking pipeline");
        }
        self.reread(room.event).await
    }

    /// How the pipeline of an event does; none where that is not known.
    pub(super) async fn pipeline_health(&self, event: EventId) -> Option<Health> {
        let count = || async { answered(lanes::count(&self.pool)).await };
        let lanes = self.lanes.get_or_try_init(count).await.map_err(|error: StorageError| storage_failed(error)).ok()?;
        self.lines.lane_health(lanes.of(event)).await.map_err(|error| redis_failed(&error)).ok()?
    }
}
