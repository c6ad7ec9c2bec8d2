//! What operators see.

use goticket_domain::EventId;
use goticket_domain::queue::{QueueError, RoomControl, RoomState};
use goticket_storage::rooms::Room;

use super::WaitingRoomService;
use crate::outbound::redis::{Order, TickAnswer};

impl WaitingRoomService {
    /// Settings from Postgres, counts from Redis.
    pub(super) async fn read_control(&self, event: EventId) -> Result<RoomControl, QueueError> {
        let room = self.reread(event).await?.room;
        Ok(self.show(&room).await)
    }

    /// Also hands the settings over to Redis, so that a change takes effect now. Redis away must not keep an operator from the
    /// controls: then they see the last counts that are known.
    pub(super) async fn show(&self, room: &Room) -> RoomControl {
        let mut control = RoomControl {
            event: room.event,
            state: room.state,
            settings: room.settings.clone(),
            waiting: self.boards.get(room.event).map_or(0, |board| board.waiting),
            admitted: room.admitted,
            active: u64::from(room.active),
        };
        if room.state == RoomState::Closed {
            // Where this fails, the next tick does it.
            let _ = self.lines.close(room).await;
        } else if room.state != RoomState::Scheduled
            && let Ok(TickAnswer::Moved(now)) = self.lines.tick(room, Order { admit_max: 0, let_go_max: 0 }).await
        {
            (control.waiting, control.admitted, control.active) = (now.waiting, now.admitted, now.active);
        }
        control
    }
}
