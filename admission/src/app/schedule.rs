//! The schedule: the lobby opens, the order is drawn, and the room closes when its event starts, by the database's clock. The room's owner
//! does it; if it dies on the way, the next one does it again.
//!
//! Draws are the heavy steps: a replica makes so many at a time, the smaller ones first. Whoever's turn has not come waits with a closed
//! lobby, so that no one joins a draw after its time.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream;
use goticket_domain::EventId;
use goticket_domain::queue::{DrawOutcome, Entry, QueueError, RoomState};
use goticket_storage::rooms::{draws, owners};
use goticket_storage::{queue_log, rooms};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::draw::Round;
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

    /// The steps that take no time. The terms of a draw are announced before its lobby opens.
    pub(super) async fn take_light_steps(&self) {
        self.announce_all().await;
        let due = self.due(|next| next != RoomState::Open);
        stream::iter(due).for_each_concurrent(STEPS_AT_ONCE, |known| self.try_step(known.room.event)).await;
    }

    /// The terms of every draw of ours that has none, or whose sale starts at another time than they say.
    pub async fn announce_all(&self) {
        let begins = |known: &Known| matches!(known.room.state, RoomState::Scheduled | RoomState::Lobby);
        let ours = self.ours(begins).into_iter();
        stream::iter(ours).for_each_concurrent(STEPS_AT_ONCE, |(known, epoch)| self.try_announce(known, epoch)).await;
    }

    async fn try_announce(&self, known: Known, epoch: i64) {
        let event = known.room.event;
        if let Err(error) = self.announce_terms(known, epoch).await {
            tracing::warn!(%event, %error, "the draw's terms could not be announced: it will be tried again");
        }
    }

    /// The draws that are due and whose round has come, one after the other. All lobbies that are due are closed before.
    pub(super) async fn draw_all(&self) {
        let due = self.due(|next| next == RoomState::Open);
        let closing = due.into_iter().map(|known| self.try_close(known));
        let closed: Vec<Option<Known>> = stream::iter(closing).buffer_unordered(STEPS_AT_ONCE).collect().await;
        let mut due: Vec<Known> = closed.into_iter().flatten().collect();
        due.sort_unstable_by_key(|known| known.room.log.size);
        for (before, known) in due.iter().enumerate().skip(DRAWS_AT_ONCE) {
            tracing::info!(event = %known.room.event, before, "the draw waits for its turn");
        }
        stream::iter(due).for_each_concurrent(DRAWS_AT_ONCE, |known| self.try_step(known.room.event)).await;
    }

    /// The room, if its lobby is closed now and nothing is waited for any more.
    async fn try_close(&self, known: Known) -> Option<Known> {
        let event = known.room.event;
        let epoch = self.ownership.epoch(event)?;
        let closed = self.close_lobby(known, epoch).await;
        let due = closed.and_then(|known| Ok(known.draw()?.may_be_drawn(known.log.now_ms()).then_some(known)));
        due.unwrap_or_else(|error| {
            tracing::warn!(%event, %error, "the lobby could not be closed: it will be tried again");
            None
        })
    }

    fn due(&self, step: impl Fn(RoomState) -> bool) -> Vec<Known> {
        self.ours(|known| known.room.due.is_some_and(&step)).into_iter().map(|(known, _)| known).collect()
    }

    /// Those of our rooms of which this is so, and under which epochs.
    fn ours(&self, which: impl Fn(&Known) -> bool) -> Vec<(Known, i64)> {
        let known = self.rooms.those(which).into_iter();
        known.filter_map(|known| self.ownership.epoch(known.room.event).map(|epoch| (known, epoch))).collect()
    }

    async fn try_step(&self, event: EventId) {
        if let Err(error) = self.take_due_step(event).await {
            tracing::warn!(%event, %error, "a step of the schedule did not succeed: it will be tried again");
        }
    }

    /// One step of one room, if it is ours. Safe to give up at any point, and to do again.
    pub(super) async fn take_due_step(&self, event: EventId) -> Result<(), QueueError> {
        let (known, Some(epoch)) = (self.reread(event).await?, self.ownership.epoch(event)) else { return Ok(()) };
        match known.room.due {
            None => Ok(()),
            Some(RoomState::Open) => self.take_draw(known, epoch).await,
            Some(next) => {
                // No one joins a lobby whose terms are not announced.
                let known = self.announce_terms(known, epoch).await?;
                self.step(&known, epoch, next, None).await
            }
        }
    }

    /// Closes the lobby, and draws it where its round has come.
    async fn take_draw(&self, known: Known, epoch: i64) -> Result<(), QueueError> {
        let event = known.room.event;
        let known = self.close_lobby(known, epoch).await?;
        let Round::Come(round) = self.round(&known).await? else { return Ok(()) };
        let _turn = self.draws.turn(event).await?;
        // As it is when the turn has come.
        let (known, Some(epoch)) = (self.reread(event).await?, self.ownership.epoch(event)) else { return Ok(()) };
        if known.room.due != Some(RoomState::Open) {
            return Ok(());
        }
        // Before the transaction, which is short whatever the size of the lobby.
        let outcome = self.draw(&known, round).await?;
        self.step(&known, epoch, RoomState::Open, Some(outcome)).await
    }

    async fn step(&self, known: &Known, epoch: i64, next: RoomState, drawn: Option<DrawOutcome>) -> Result<(), QueueError> {
        let event = known.room.event;
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
            what["draw"] = json!(drawn);
            draws::save_outcome(&mut tx, event, &drawn).await.map_err(storage_failed)?;
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
