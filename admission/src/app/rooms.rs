//! The rooms this replica knows, as Postgres last showed them. Every tick reads again those that have changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use goticket_domain::EventId;
use goticket_domain::queue::{QueueError, RoomState};
use goticket_storage::rooms::draws;
use goticket_storage::rooms::{self, Horizon, Room};
use goticket_storage::{StorageError, answered};
use sqlx::PgPool;
use tokio::time::Instant;

use super::clock::Clock;
use super::codes::CodeBook;
use super::draw::KnownDraw;
use super::memory::Memory;
use super::room_log::RoomLog;
use super::{WaitingRoomService, storage_failed};
use crate::outbound::redis::Lines;

/// Closed rooms that are kept for those who still ask; the ones closed last.
const CLOSED_KEPT: usize = 256;
/// All rooms are read so often, whatever has changed: a database that was restored may not tell.
const ALL_EVERY: Duration = Duration::from_secs(5);

/// A room and what this replica remembers of it between ticks.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) room: Arc<Room>,
    /// None while no terms are known.
    pub(super) draw: Option<Arc<KnownDraw>>,
    memory: Arc<Mutex<Memory>>,
    pub(super) log: Arc<RoomLog>,
    /// Held by whoever ticks the room: of two ticks at once the one that saw less could tell it later.
    pub(super) ticking: Arc<tokio::sync::Mutex<()>>,
    pub(super) codes: Arc<CodeBook>,
}

impl Known {
    /// Its terms are announced before its lobby opens.
    pub(super) fn draw(&self) -> Result<&KnownDraw, QueueError> {
        self.draw.as_deref().ok_or(QueueError::Unavailable)
    }

    /// What somebody counts as by choosing this line, where the event has others.
    pub(super) fn if_other_lines<T>(&self, what: T) -> Option<T> {
        self.room.has_other_lines().then_some(what)
    }

    fn draw_revision(&self) -> i32 {
        self.draw.as_ref().map_or(0, |draw| draw.revision)
    }

    /// Not to be held while anything is waited for.
    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Rooms {
    pool: PgPool,
    lines: Lines,
    clock: Arc<Clock>,
    known: RwLock<HashMap<EventId, Known>>,
    /// None before anything was read, and after a read that failed.
    last: Mutex<Option<LastRead>>,
}

/// Up to where changes are known, and when all rooms were read.
#[derive(Clone, Copy)]
struct LastRead {
    horizon: Horizon,
    all_at: Instant,
}

impl Rooms {
    pub(super) fn new(pool: PgPool, lines: Lines) -> Self {
        Self { pool, lines, clock: Arc::default(), known: RwLock::default(), last: Mutex::default() }
    }

    /// Reads what has changed of all that is alive, and that was when it was read last. Rooms are forgotten some time after they were closed.
    pub(super) async fn refresh(&self) -> Result<(), StorageError> {
        let begun = Instant::now();
        let since = self.last().take().filter(|last| begun.duration_since(last.all_at) < ALL_EVERY);
        let horizon = self.read_changed(since.map(|last| last.horizon)).await?;
        // Only now: what could not be read is to be read by the next.
        *self.last() = Some(LastRead { horizon, all_at: since.map_or(begun, |last| last.all_at) });
        self.forget_closed();
        Ok(())
    }

    async fn read_changed(&self, since: Option<Horizon>) -> Result<Horizon, StorageError> {
        let also: Vec<EventId> = self.known.read().unwrap_or_else(PoisonError::into_inner).keys().copied().collect();
        let changes = answered(rooms::changed(&self.pool, &also, since)).await?;
        self.clock.hear(changes.read_at.as_millisecond(), Instant::now());
        if !changes.events.is_empty() {
            self.put_all(answered(rooms::find_all(&self.pool, &changes.events)).await?).await?;
        }
        Ok(changes.horizon)
    }

    fn last(&self) -> MutexGuard<'_, Option<LastRead>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers rooms as they were read just now, with their draws, which are read where they have moved on.
    pub(super) async fn put_all(&self, rooms: Vec<Room>) -> Result<(), StorageError> {
        let moved = |room: &&Room| room.draw_revision > self.get(room.event).map_or(0, |known| known.draw_revision());
        let moved: Vec<EventId> = rooms.iter().filter(moved).map(|room| room.event).collect();
        let mut draws = HashMap::new();
        if !moved.is_empty() {
            draws.extend(answered(draws::read(&self.pool, &moved)).await?);
        }
        for room in rooms {
            let draw = draws.remove(&room.event).and_then(|stored| KnownDraw::new(room.draw_revision, stored));
            self.put(room, draw);
        }
        Ok(())
    }

    /// The time by which everything is counted.
    pub(super) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Everything known, in no order.
    pub(super) fn all(&self) -> Vec<Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Those of which this is so, in no order.
    pub(super) fn those(&self, which: impl Fn(&Known) -> bool) -> Vec<Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).values().filter(|known| which(known)).cloned().collect()
    }

    pub(super) fn get(&self, event: EventId) -> Option<Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(&event).cloned()
    }

    /// Unless something newer is known.
    fn put(&self, room: Room, draw: Option<KnownDraw>) {
        self.clock.hear(room.read_at.as_millisecond(), Instant::now());
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let room = Arc::new(room);
        let entry = known.entry(room.event).or_insert_with(|| Known {
            room: Arc::clone(&room),
            draw: None,
            memory: Arc::default(),
            ticking: Arc::default(),
            codes: Arc::default(),
            log: Arc::new(RoomLog::new(
                room.event,
                room.seats_of,
                self.pool.clone(),
                self.lines.clone(),
                Arc::clone(&self.clock),
            )),
        });
        entry.log.heard_of(room.log.size);
        if (entry.room.revision, entry.room.log.size, entry.room.read_at) <= (room.revision, room.log.size, room.read_at) {
            entry.room = room;
        }
        if let Some(draw) = draw.filter(|draw| draw.revision > entry.draw_revision()) {
            entry.draw = Some(Arc::new(draw));
        }
    }

    fn forget_closed(&self) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let mut closed: Vec<(i64, EventId)> =
            known.values().filter(|k| k.room.state == RoomState::Closed).map(|k| (k.room.revision, k.room.event)).collect();
        if closed.len() > CLOSED_KEPT {
            closed.sort_unstable();
            for (_, event) in &closed[..closed.len() - CLOSED_KEPT] {
                known.remove(event);
            }
        }
    }
}

impl WaitingRoomService {
    /// The room, from memory where possible. One that is unknown may have been made a moment ago.
    pub(super) async fn room(&self, event: EventId) -> Result<Known, QueueError> {
        match self.rooms.get(event) {
            Some(known) => Ok(known),
            None => self.reread(event).await,
        }
    }

    /// The room as Postgres has it now.
    pub(super) async fn reread(&self, event: EventId) -> Result<Known, QueueError> {
        let room = answered(rooms::find(&self.pool, event)).await.map_err(storage_failed)?.ok_or(QueueError::UnknownEvent)?;
        self.rooms.put_all(vec![room]).await.map_err(storage_failed)?;
        self.rooms.get(event).ok_or(QueueError::Unavailable)
    }
}
