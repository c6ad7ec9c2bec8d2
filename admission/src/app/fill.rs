//! Filling a room in Redis from what is durable, when Redis has lost it or is behind: at its opening, after a restart without
//! data, after a fail-over to a replica that had not seen everything.
//!
//! Every filling raises the epoch. Tickets of an earlier epoch whose place is missing were lost by Redis, and bring it back
//! (`place.rs`). A lobby that is lost before its draw consists of those who came back.

use goticket_domain::EventId;
use goticket_domain::queue::{QueueError, RoomState};
use goticket_storage::rooms::Room;
use goticket_storage::{answered, rooms};
use redis::RedisResult;

use super::rooms::Known;
use super::{WaitingRoomService, redis_failed, storage_failed};
use crate::outbound::redis::{MaybeCold, Warmth};

/// How often Redis may lose a room within one call before we give up.
const ATTEMPTS: u32 = 3;

impl WaitingRoomService {
    /// Asks Redis, after filling the room where that is needed.
    pub(super) async fn warm<T, F>(&self, event: EventId, ask: impl Fn() -> F) -> Result<T, QueueError>
    where
        T: MaybeCold,
        F: Future<Output = RedisResult<T>>,
    {
        for _ in 0..ATTEMPTS {
            let answer = ask().await.map_err(|error| redis_failed(&error))?;
            if !answer.is_cold() {
                return Ok(answer);
            }
            self.fill(event).await?;
        }
        Err(QueueError::Unavailable)
    }

    /// Fills the room unless it is current. Replicas agree: one raises the epoch, the others take it.
    pub(super) async fn fill(&self, event: EventId) -> Result<Known, QueueError> {
        let turn = self.room(event).await?.filling;
        let _turn = turn.lock().await;
        let known = self.reread(event).await?;
        refuse_without_line(&known.room)?;
        let found = match self.lines.warmth(&known.room).await.map_err(|error| redis_failed(&error))? {
            Warmth::Filled { current: true, .. } => return Ok(known),
            Warmth::Filled { epoch, .. } => epoch,
            Warmth::Cold => 0,
        };
        let first = answered(rooms::raise_epoch(&self.pool, event, known.room.epoch, found)).await.map_err(storage_failed)?;
        let known = self.reread(event).await?;
        self.lines.init(&known.room).await.map_err(|error| redis_failed(&error))?;
        if first {
            tracing::info!(%event, epoch = known.room.epoch, active = known.room.active, "filled the room in Redis");
            metrics::counter!("admission_rooms_filled_total").increment(1);
        }
        Ok(known)
    }
}

/// A room that is not open yet, or over, has no line.
pub(super) fn refuse_without_line(room: &Room) -> Result<(), QueueError> {
    match room.state {
        RoomState::Scheduled => Err(QueueError::NotYetOpen { opens_at: room.lobby_opens_at }),
        RoomState::Closed => Err(QueueError::ClosedToJoins { state: RoomState::Closed }),
        _ => Ok(()),
    }
}
