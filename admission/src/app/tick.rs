//! The tick: reads the rooms, admits the front of every line, makes that durable, and publishes the boards.

use std::sync::PoisonError;

use futures::StreamExt as _;
use futures::stream;
use goticket_domain::queue::{Board, Pivot, QueueError, RoomState};
use goticket_storage::answered;
use goticket_storage::rooms::{self, Floors, Room};
use tokio::time::Instant;

use super::durable::Failing;
use super::pace::Pace;
use super::place::at;
use super::rooms::Known;
use super::{WaitingRoomService, redis_failed, storage_failed};
use crate::outbound::redis::{Order, Snapshot, TickAnswer};

/// Most fans admitted by one call: the highest rate at the slowest sensible tick, and a few milliseconds of script.
const ADMIT_MAX: u32 = 5_000;
/// Most no-shows and ended sessions let go by one call.
const LET_GO_MAX: u32 = 1_000;
/// Rooms ticked at the same time.
const ROOMS_AT_ONCE: usize = 32;

/// What this replica remembers of a room between ticks.
pub(super) struct Memory {
    pace: Pace,
    saving: Failing,
    /// When floors were written last, and the admissions they hold.
    saved: Option<(Instant, u64)>,
    failing: bool,
    cleared: bool,
}

impl Default for Memory {
    fn default() -> Self {
        Self { pace: Pace::default(), saving: Failing::not(), saved: None, failing: false, cleared: false }
    }
}

impl WaitingRoomService {
    /// Everything a replica does by itself, once: what the loops of [`crate::start`] repeat, and tests call.
    pub async fn tick_once(&self) {
        self.refresh_rooms().await;
        self.keep_schedule().await;
        self.admit_all().await;
    }

    /// Reads all rooms. Without Postgres the settings read last stay in force, for the grace.
    pub async fn refresh_rooms(&self) {
        let read = self.rooms.refresh().await;
        if self.reading.lock().unwrap_or_else(PoisonError::into_inner).note(read.is_ok(), Instant::now()) {
            match &read {
                Ok(()) => tracing::info!("the rooms can be read again"),
                Err(error) => tracing::warn!(%error, "the rooms cannot be read: admission will pause"),
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
                let Some((room, now)) = self.admit(known).await? else { return Ok(()) };
                self.save_floors(known, &room, &now).await;
                let pivots = match room.state {
                    RoomState::Lobby => Vec::new(),
                    _ => self.lines.pivots(room.event).await.map_err(|error| redis_failed(&error))?,
                };
                self.publish(known, &room, now, pivots)?;
            }
        }
        Ok(())
    }

    /// Moves the room; None where another replica knows newer settings, which are then read.
    async fn admit(&self, known: &Known) -> Result<Option<(std::sync::Arc<Room>, Snapshot)>, QueueError> {
        let admit_max = if self.is_durable(known) { ADMIT_MAX } else { 0 };
        let order = Order { admit_max, let_go_max: LET_GO_MAX };
        let mut room = std::sync::Arc::clone(&known.room);
        for _ in 0..2 {
            match self.lines.tick(&room, order).await.map_err(|error| redis_failed(&error))? {
                TickAnswer::Moved(now) => {
                    metrics::counter!("admission_admitted_total").increment(now.admitted_now);
                    metrics::counter!("admission_let_go_total").increment(now.let_go);
                    return Ok(Some((room, now)));
                }
                TickAnswer::Cold => room = self.fill(room.event).await?.room,
                TickAnswer::Stale => room = self.reread(room.event).await?.room,
            }
            if matches!(room.state, RoomState::Scheduled | RoomState::Closed) {
                break;
            }
        }
        Ok(None)
    }

    fn is_durable(&self, known: &Known) -> bool {
        let now = Instant::now();
        let reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner).tolerable(self.durable_grace, now);
        let memory = known.memory.lock().unwrap_or_else(PoisonError::into_inner);
        reading && memory.saving.tolerable(self.durable_grace, now)
    }

    /// Writes the floors after every tick that admitted (whoever's it was), and now and then.
    async fn save_floors(&self, known: &Known, room: &Room, now: &Snapshot) {
        let saved = known.memory.lock().unwrap_or_else(PoisonError::into_inner).saved;
        let due = saved.is_none_or(|(when, admitted)| admitted < now.admitted || when.elapsed() >= self.floors_every);
        if room.state == RoomState::Lobby || !due {
            return;
        }
        let floors = Floors {
            frontier: now.frontier,
            admitted: now.admitted,
            next_sequence: now.next_sequence,
            active: now.active,
            active_for_s: room.settings.claim_window_s.max(room.settings.session_s),
        };
        let written = answered(rooms::save_floors(&self.pool, room.event, floors)).await;
        let mut memory = known.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if written.is_ok() {
            memory.saved = Some((Instant::now(), now.admitted));
        }
        memory.saving.note(written.is_ok(), Instant::now());
        drop(memory);
        if let Err(error) = written {
            storage_failed(error);
        }
    }

    fn publish(&self, known: &Known, room: &Room, now: Snapshot, pivots: Vec<Pivot>) -> Result<(), QueueError> {
        let label = room.event.to_string();
        #[expect(clippy::cast_precision_loss, reason = "a gauge of people")]
        for (name, value) in [("admission_waiting", now.waiting), ("admission_active", now.active)] {
            metrics::gauge!(name, "event" => label.clone()).set(value as f64);
        }
        let observed = known.memory.lock().unwrap_or_else(PoisonError::into_inner).pace.sample(now.now_ms, now.admitted);
        self.boards.publish(Board {
            at: at(now.now_ms)?,
            waiting: now.waiting,
            admitted: now.admitted,
            frontier: now.frontier,
            observed_per_min: observed,
            pivots,
            availability: now.availability,
            ..still_board(room)
        });
        Ok(())
    }

    /// A closed room's keys expire, once; its board stays.
    async fn clear_up(&self, known: &Known) -> Result<(), QueueError> {
        self.boards.publish(still_board(&known.room));
        let cleared = known.memory.lock().unwrap_or_else(PoisonError::into_inner).cleared;
        if !cleared {
            self.lines.close(&known.room).await.map_err(|error| redis_failed(&error))?;
            known.memory.lock().unwrap_or_else(PoisonError::into_inner).cleared = true;
        }
        Ok(())
    }
}

/// What Postgres alone can say.
fn still_board(room: &Room) -> Board {
    Board {
        event: room.event,
        state: room.state,
        epoch: room.epoch,
        at: room.read_at,
        lobby_opens_at: room.lobby_opens_at,
        onsale_at: room.onsale_at,
        waiting: 0,
        admitted: room.admitted,
        frontier: room.frontier,
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
