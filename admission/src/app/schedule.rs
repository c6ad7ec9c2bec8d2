//! The schedule: the lobby opens, the order is drawn, and the room closes when its event starts, by the database's clock. Any
//! replica does it, one does; if it dies on the way, another one does it again.

use futures::future::join_all;
use goticket_domain::EventId;
use goticket_domain::queue::{QueueError, RoomState};
use goticket_storage::rooms;
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
        self.fill_lobby(event).await?;
        let mut tx = self.pool.begin().await.map_err(sql_failed)?;
        let Some(room) = rooms::lock_if_free(&mut tx, event).await.map_err(storage_failed)? else { return Ok(()) };
        let Some(next) = room.due else {
            // Another replica has done it.
            drop(tx);
            return self.reread(event).await.map(drop);
        };
        let mut what = json!({ "state": [room.state, next] });
        if next == RoomState::Open {
            what["draw"] = self.draw(&mut tx, &room).await?;
        }
        rooms::save_control(&mut tx, event, next, &room.settings).await.map_err(storage_failed)?;
        let entry = Change { actor: None, what, reason: REASON };
        log_chain::append(&mut tx, event, entry).await.map_err(storage_failed)?;
        tx.commit().await.map_err(sql_failed)?;
        tracing::info!(%event, state = next.as_str(), "the schedule moved the room");
        let room = self.reread(event).await?.room;
        if next == RoomState::Lobby {
            self.fill(event).await?;
        } else {
            self.show(&room).await;
        }
        Ok(())
    }
}
