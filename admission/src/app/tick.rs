//! The tick: reads the rooms, admits the front of every line, and publishes the boards.
//!
//! Who is admitted is written down before anybody learns it. Any replica may tick at any time: of two that decide at once, the log
//! takes one.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use futures::StreamExt as _;
use futures::stream;
use goticket_domain::queue::{Board, Entry, Limits, Phase, Pivot, QueueError, RoomState, admissible};
use goticket_storage::queue_log::{Decided, Head};
use goticket_storage::rooms::Room;

use super::pace::Pace;
use super::place::at;
use super::rooms::Known;
use super::{WaitingRoomService, redis_failed};
use crate::outbound::redis::Snapshot;

/// Most fans admitted by one tick: the highest rate at the slowest sensible tick, and a few milliseconds of script.
const ADMIT_MAX: u64 = 5_000;
/// Rooms ticked at the same time.
const ROOMS_AT_ONCE: usize = 32;

/// What this replica remembers of a room between ticks.
#[derive(Default)]
pub(super) struct Memory {
    pace: Pace,
    failing: bool,
    cleared: bool,
}

impl WaitingRoomService {
    /// Everything a replica does by itself, once: what the loops of [`crate::start`] repeat, and tests call.
    pub async fn tick_once(&self) {
        self.refresh_rooms().await;
        self.keep_schedule().await;
        self.admit_all().await;
    }

    /// Reads all rooms. Without Postgres the settings read last stay in force, and no one is admitted.
    pub async fn refresh_rooms(&self) {
        let read = self.rooms.refresh().await;
        if self.blind.swap(read.is_err(), Ordering::Relaxed) != read.is_err() {
            match &read {
                Ok(()) => tracing::info!("the rooms can be read again"),
                Err(error) => tracing::warn!(%error, "the rooms cannot be read: no one is admitted"),
            }
        }
        self.boards.retain(|event| self.rooms.get(event).is_some());
    }

    /// Ticks every room.
    pub async fn admit_all(&self) {
        stream::iter(self.rooms.all())
            .for_each_concurrent(ROOMS_AT_ONCE, |known| async move {
                let event = known.room.event;
                let result = self.tick_room(&known).await;
                let mut memory = known.memory.lock().unwrap_or_else(PoisonError::into_inner);
                if std::mem::replace(&mut memory.failing, result.is_err()) != result.is_err() {
                    match &result {
                        Ok(()) => tracing::info!(%event, "the room ticks again"),
                        Err(error) => tracing::warn!(%event, %error, "the room does not tick"),
                    }
                }
            })
            .await;
    }

    async fn tick_room(&self, known: &Known) -> Result<(), QueueError> {
        match known.room.state {
            RoomState::Scheduled => self.boards.publish(still_board(&known.room)),
            RoomState::Closed => return self.clear_up(known).await,
            _ => {
                let mut seen = known.log.look(&known.room.log).await?;
                if let Some(after) = admit(known, &seen).await? {
                    seen = after;
                }
                let pivots = match seen.phase {
                    Phase::Lobby | Phase::Closed => Vec::new(),
                    Phase::Drawn => self.lines.pivots(known.room.event).await.map_err(|error| redis_failed(&error))?,
                };
                self.publish(known, seen, pivots)?;
            }
        }
        Ok(())
    }

    fn publish(&self, known: &Known, seen: Snapshot, pivots: Vec<Pivot>) -> Result<(), QueueError> {
        let label = known.room.event.to_string();
        #[expect(clippy::cast_precision_loss, reason = "a gauge of people")]
        for (name, value) in [("admission_waiting", seen.waiting), ("admission_active", seen.inside)] {
            metrics::gauge!(name, "event" => label.clone()).set(value as f64);
        }
        let now_ms = known.log.now_ms();
        let observed = known.memory.lock().unwrap_or_else(PoisonError::into_inner).pace.sample(now_ms, seen.admitted);
        self.boards.publish(Board {
            at: at(now_ms)?,
            waiting: seen.waiting,
            admitted: seen.admitted,
            frontier: seen.frontier,
            observed_per_min: observed,
            pivots,
            availability: seen.availability,
            ..still_board(&known.room)
        });
        Ok(())
    }

    /// A closed room's keys go, once; its board stays.
    async fn clear_up(&self, known: &Known) -> Result<(), QueueError> {
        self.boards.publish(still_board(&known.room));
        let cleared = known.memory.lock().unwrap_or_else(PoisonError::into_inner).cleared;
        if !cleared {
            self.lines.close(known.room.event).await.map_err(|error| redis_failed(&error))?;
            known.memory.lock().unwrap_or_else(PoisonError::into_inner).cleared = true;
        }
        Ok(())
    }
}

/// Admits as many as may be, and looks again. None where that is no one, or another replica was faster.
async fn admit(known: &Known, seen: &Snapshot) -> Result<Option<Snapshot>, QueueError> {
    let (room, set) = (&known.room, &known.room.settings);
    if !room.state.admits_fans() || seen.phase != Phase::Drawn {
        return Ok(None);
    }
    let now_ms = known.log.now_ms();
    let bucket = room.log.bucket.at(now_ms, set.rate_per_min, set.burst);
    let free = seen.availability.iter().map(|category| u64::from(category.free)).sum();
    let limits =
        Limits { inside: seen.inside, cap: u64::from(set.active_cap), free: (!seen.availability.is_empty()).then_some(free) };
    let most = admissible(bucket, limits).min(ADMIT_MAX);
    let Some((through, turns)) = known.log.reach(most).await? else { return Ok(None) };
    let claim_by_ms = now_ms.saturating_add(i64::from(set.claim_window_s) * 1_000);
    let decided = Decided { decisions: room.log.decisions, bucket: bucket.without(turns), turns, through };
    let written = known.log.append(vec![Entry::Admit { through, claim_by_ms }], Some(decided)).await?;
    let Some(segment) = written else { return Ok(None) };
    metrics::counter!("admission_admitted_total").increment(turns);
    let head = Head { size: segment.end(), hash: segment.hash, ..room.log };
    known.log.look(&head).await.map(Some)
}

/// What Postgres alone can say.
fn still_board(room: &Room) -> Board {
    Board {
        event: room.event,
        state: room.state,
        at: room.read_at,
        lobby_opens_at: room.lobby_opens_at,
        onsale_at: room.onsale_at,
        waiting: 0,
        admitted: room.log.admitted,
        frontier: room.log.frontier,
        rate_per_min: room.settings.rate_per_min,
        observed_per_min: 0,
        commitment: room.secret.commitment(),
        root: room.root,
        seed: room.seed,
        pivots: Vec::new(),
        availability: Vec::new(),
        message: room.settings.message.clone(),
    }
}
