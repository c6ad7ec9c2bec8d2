//! Giving a place or session back.

use goticket_domain::queue::{QueueError, RoomState};
use goticket_domain::{AccountId, EventId};

use super::WaitingRoomService;
use crate::outbound::redis::LeaveAnswer;

impl WaitingRoomService {
    /// Leaves, wherever the account stands; leaving twice, or a room without a line, is leaving too. An entry token that was
    /// given out stays valid until it ends: it is verified without asking.
    pub(super) async fn leave_place(&self, event: EventId, account: AccountId) -> Result<(), QueueError> {
        let room = self.room(event).await?.room;
        if matches!(room.state, RoomState::Scheduled | RoomState::Closed) {
            return Ok(());
        }
        let place = self.place_of(event, account);
        if let LeaveAnswer::Left { removed: true } = self.warm(event, || self.lines.leave(event, place)).await? {
            metrics::counter!("admission_leaves_total").increment(1);
        }
        Ok(())
    }
}
