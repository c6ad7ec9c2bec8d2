//! Giving a place or session back.

use goticket_domain::queue::{QueueError, RoomState};
use goticket_domain::{AccountId, EventId};

use super::WaitingRoomService;
use super::group_commit::Change;
use crate::outbound::redis::Found;

impl WaitingRoomService {
    /// Leaves, wherever the account stands; leaving twice, or a room without a line, is leaving too. An entry token that was
    /// given out buys until it ends, for it is verified without asking: until then the slot is not free.
    pub(super) async fn leave_place(&self, event: EventId, account: AccountId) -> Result<(), QueueError> {
        let known = self.room(event).await?;
        if matches!(known.room.state, RoomState::Scheduled | RoomState::Closed) {
            return Ok(());
        }
        let changed = known
            .log
            .change(self.place_of(event, account), Change::Leave { chooses: known.room.has_other_lines().then_some(account) })
            .await?;
        if let Found::Here(_) = changed.before {
            metrics::counter!("admission_leaves_total").increment(1);
        }
        Ok(())
    }
}
