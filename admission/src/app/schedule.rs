//! The schedule: the lobby opens, the order is drawn, and the room closes when its event starts, by the database's clock. Any
//! replica does it, one does; if it dies on the way, another one does it again.

use futures::future::join_all;
use goticket_domain::EventId;
use goticket_domain::queue::{Entry, QueueError, RoomState};
use goticket_storage::{queue_log, rooms};
use serde_json::json;

use super::log_chain::{self, Change};
use super::{WaitingRoomService, sql_failed, storage_failed};

const REASON: &str = "schedule";

impl WaitingRoomService {
    /// Takes every room that is due one step further.
    pub async fn keep_schedule(&self) {
        let due = self.rooms.all().into_iter().filter(|known| known.room.due.is_some()).map(|known| known.room.event);
        join_all(due.map(|event| async move {
            if let Err(error) = self.take_due_step(event).await {
                tracing::warn!(%event, %error, "a step of the schedule did not succeed: it will be tried again");
            }
        }))
        .await;
    }

    /// One step of one room. Safe to give up at any point, and to do again.
    pub(super) async fn take_due_step(&self, event: EventId) -> Result<(), QueueError> {
        let known = self.reread(event).await?;
        let Some(next) = known.room.due else { return Ok(()) };
        // Before the transaction, which is short whatever the size of the lobby.
        let drawn = if next == RoomState::Open { Some(self.draw(&known).await?) } else { None };

        let mut tx = self.pool.begin().await.map_err(sql_failed)?;
        let Some(room) = rooms::lock_if_free(&mut tx, event).await.map_err(storage_failed)? else { return Ok(()) };
        if room.due != Some(next) {
            // Another replica has done it.
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
