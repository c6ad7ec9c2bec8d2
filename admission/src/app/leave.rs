//! Giving a place or session back.

use goticket_domain::queue::groups::GroupStep;
use goticket_domain::queue::{QueueError, RoomState};
use goticket_domain::{AccountId, EventId};

use super::WaitingRoomService;
use super::counted::Counted;
use super::group_commit::Change;
use crate::outbound::redis::Found;

impl WaitingRoomService {
    /// Leaves, wherever the account stands; leaving twice, or a room without a line, is leaving too. An entry token that was
    /// given out buys until it ends, for it is verified without asking: until then the slot is not free. A group ends with its leader's place.
    pub(super) async fn leave_place(&self, event: EventId, account: AccountId) -> Result<(), QueueError> {
        let known = self.room(event).await?;
        if matches!(known.room.state, RoomState::Scheduled | RoomState::Closed) {
            return Ok(());
        }
        let place = self.place_of(event, account);
        if self.group_of(&known, account).await?.is_some_and(|group| group != place) {
            // What they have in line is their part of the group.
            return self.quit_group(event, account, false).await;
        }
        let group = known.if_groups(GroupStep::GiveBack { place });
        let counted = Counted { group, unchosen: known.if_other_lines(account), ..Counted::default() };
        let changed = known.log.change(place, Change::Leave { counted }).await?;
        if let Found::Here(_) = changed.before {
            metrics::counter!("admission_leaves_total").increment(1);
        }
        Ok(())
    }
}
