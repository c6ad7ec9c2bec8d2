//! A room whose operators want that closes by itself when everything is sold. Closing is for good, so what Redis counts is not enough:
//! Postgres says what is sold, in the transaction that closes.

use goticket_domain::queue::{HeldUp, QueueError, RoomState};
use goticket_storage::rooms::{self, owners};
use serde_json::json;
use tokio::time::{Duration, Instant};

use super::log_chain::{self, Change};
use super::rooms::Known;
use super::{WaitingRoomService, sql_failed, storage_failed};

/// Between two looks at what is sold, where Redis counts nothing any more and Postgres does.
const ASK_EVERY: Duration = Duration::from_secs(10);
/// For the operators' log.
const REASON: &str = "everything is sold";

impl WaitingRoomService {
    /// Closes the room if that is set and everything is sold. True if it is closed now.
    pub(super) async fn close_if_sold_out(
        &self,
        known: &Known,
        epoch: i64,
        held_up_by: Option<HeldUp>,
    ) -> Result<bool, QueueError> {
        if !known.room.settings.close_when_sold_out || held_up_by != Some(HeldUp::SoldOut) {
            return Ok(false);
        }
        let due = known.memory().asked_sold_out.is_none_or(|at| at.elapsed() >= ASK_EVERY);
        if !due {
            return Ok(false);
        }
        known.memory().asked_sold_out = Some(Instant::now());
        let event = known.room.event;
        let mut tx = self.pool.begin().await.map_err(sql_failed)?;
        let Some(room) = rooms::lock_if_free(&mut tx, event).await.map_err(storage_failed)? else { return Ok(false) };
        let wanted = room.settings.close_when_sold_out && room.state != RoomState::Closed;
        if !wanted
            || !owners::fence(&mut tx, event, epoch).await.map_err(storage_failed)?
            || !rooms::is_sold_out(&mut tx, &room).await.map_err(storage_failed)?
        {
            return Ok(false);
        }
        rooms::save_control(&mut tx, event, RoomState::Closed, &room.settings).await.map_err(storage_failed)?;
        let entry = Change { actor: None, what: json!({ "state": [room.state, RoomState::Closed] }), reason: REASON };
        log_chain::append(&mut tx, event, entry).await.map_err(storage_failed)?;
        tx.commit().await.map_err(sql_failed)?;
        tracing::info!(%event, "everything is sold: the room is closed");
        self.reread(event).await?;
        Ok(true)
    }
}
