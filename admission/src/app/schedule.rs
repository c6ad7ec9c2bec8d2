//! The schedule: the lobby opens, the order is drawn, and the room closes when its event starts, by the database's clock. The room's owner
//! does it; if it dies on the way, the next one does it again.
//!
//! Draws are the heavy steps: a replica makes so many at a time, the smaller ones first. Whoever's turn has not come waits with a closed
//! lobby, so that no one joins a draw after its time.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream;
use goticket_domain::EventId;
use goticket_domain::queue::{Entry, QueueError, RoomState};
use goticket_storage::rooms::owners;
use goticket_storage::{queue_log, rooms};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::log_chain::{self, Change};
use super::rooms::Known;
use super::{WaitingRoomService, sql_failed, storage_failed};

const REASON: &str = "schedule";

/// Draws that a replica makes at the same time. Each has a whole lobby in memory, about 150 bytes a place, and keeps a core busy.
pub const DRAWS_AT_ONCE: usize = 1;
/// Other steps, which are a transaction each, and lobbies that are closed for their draws.
const STEPS_AT_ONCE: usize = 16;

/// A replica's turns to draw.
pub(super) struct Draws(Arc<Semaphore>);

/// One turn, as long as it is held.
pub(super) struct DrawTurn {
    _permit: OwnedSemaphorePermit,
}

impl Draws {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(DRAWS_AT_ONCE)))
    }

    async fn turn(&self, event: EventId) -> Result<DrawTurn, QueueError> {
        if self.0.available_permits() == 0 {
            tracing::info!(%event, "the draw waits for its turn");
        }
        let permit = Arc::clone(&self.0).acquire_owned().await.map_err(|_| QueueError::Unavailable)?;
        metrics::gauge!("admission_draws").increment(1.0);
        Ok(DrawTurn { _permit: permit })
    }
}

impl Drop for DrawTurn {
    fn drop(&mut self) {
        metrics::gauge!("admission_draws").decrement(1.0);
    }
}

impl WaitingRoomService {
    /// Takes every room of ours that is due one step further.
    pub async fn keep_schedule(&self) {
        self.take_light_steps().await;
        self.draw_all().await;
    }

    /// The steps that take no time.
    pub(super) async fn take_light_steps(&self) {
        let due = self.due(|next| next != RoomState::Open);
        stream::iter(due).for_each_concurrent(STEPS_AT_ONCE, |known| self.try_step(known.room.event)).await;
    }

    /// The draws that are due, one after the other.
    pub(super) async fn draw_all(&self) {
        let mut due = self.due(|next| next == RoomState::Open);
        let closing = due.iter().map(|known| async move {
            let Some(epoch) = self.ownership.epoch(known.room.event) else { return };
            if let Err(error) = known.log.close(epoch).await {
                tracing::warn!(event = %known.room.event, %error, "the lobby could not be closed: it will be tried again");
            }
        });
        stream::iter(closing).for_each_concurrent(STEPS_AT_ONCE, |closing| closing).await;
        due.sort_unstable_by_key(|known| known.room.log.size);
        for (before, known) in due.iter().enumerate().skip(DRAWS_AT_ONCE) {
            tracing::info!(event = %known.room.event, before, "the draw waits for its turn");
        }
        stream::iter(due).for_each_concurrent(DRAWS_AT_ONCE, |known| self.try_step(known.room.event)).await;
    }

    fn due(&self, step: impl Fn(RoomState) -> bool) -> Vec<Known> {
        let ours = self.ownership.rooms().into_iter().filter_map(|(event, _)| self.rooms.get(event));
        ours.filter(|known| known.room.due.is_some_and(&step)).collect()
    }

    async fn try_step(&self, event: EventId) {
        if let Err(error) = self.take_due_step(event).await {
            tracing::warn!(%event, %error, "a step of the schedule did not succeed: it will be tried again");
        }
    }

    /// One step of one room, if it is ours. Safe to give up at any point, and to do again.
    pub(super) async fn take_due_step(&self, event: EventId) -> Result<(), QueueError> {
        if self.ownership.epoch(event).is_none() {
            return Ok(());
        }
        let Some(next) = self.reread(event).await?.room.due else { return Ok(()) };
        let turn = if next == RoomState::Open { Some(self.draws.turn(event).await?) } else { None };
        // As it is when the turn has come.
        let (known, Some(epoch)) = (self.reread(event).await?, self.ownership.epoch(event)) else { return Ok(()) };
        if known.room.due != Some(next) {
            return Ok(());
        }
        // Before the transaction, which is short whatever the size of the lobby.
        let drawn = if turn.is_some() { Some(self.draw(&known, epoch).await?) } else { None };

        let mut tx = self.pool.begin().await.map_err(sql_failed)?;
        let Some(room) = rooms::lock_if_free(&mut tx, event).await.map_err(storage_failed)? else { return Ok(()) };
        if room.due != Some(next) || !owners::fence(&mut tx, event, epoch).await.map_err(storage_failed)? {
            // An operator or another owner was faster.
            drop(tx);
            return self.reread(event).await.map(drop);
        }
        let mut what = json!({ "state": [room.state, next] });
        let mut segment = None;
        if let Some(drawn) = drawn {
            what["draw"] = drawn.told(&room);
            rooms::save_draw(&mut tx, event, drawn.root, drawn.seed).await.map_err(storage_failed)?;
            let entry = vec![Entry::Draw(drawn.seed)];
            segment = queue_log::append(&mut tx, event, entry, known.log.now_ms(), None).await.map_err(storage_failed)?;
        }
        rooms::save_control(&mut tx, event, next, &room.settings).await.map_err(storage_failed)?;
        let entry = Change { actor: None, what, reason: REASON };
        log_chain::append(&mut tx, event, entry).await.map_err(storage_failed)?;
        tx.commit().await.map_err(sql_failed)?;
        tracing::info!(%event, state = next.as_str(), "the schedule moved the room");
        if let Some(segment) = segment {
            known.log.take_over(&segment).await?;
        }
        self.reread(event).await.map(drop)
    }
}
