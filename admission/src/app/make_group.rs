//! Making a group of a place in the lobby.

use goticket_domain::queue::groups::GroupStep;
use goticket_domain::queue::{Group, QueueError};
use goticket_domain::{AccountId, EventId};

use super::WaitingRoomService;
use super::counted::Counted;
use super::group_commit::Change;
use super::join::refuse_without_line;

impl WaitingRoomService {
    /// The group of this account's place, or the one in which it stands: made once, found after that.
    pub(super) async fn make_or_find_group(&self, event: EventId, account: AccountId) -> Result<Group, QueueError> {
        let known = self.room(event).await?;
        refuse_without_line(&known)?;
        known.largest_group()?;
        if let Some(group) = self.find_group(&known, account).await? {
            return Ok(group);
        }
        let fan = self.fan(event, account);
        let counted = Counted { group: Some(GroupStep::Make { fan }), ..Counted::default() };
        if known.log.change(fan.place, Change::MakeGroup { counted }).await?.entry.is_some() {
            metrics::counter!("admission_groups_made_total").increment(1);
        }
        // None: it has ended already.
        self.find_group(&known, account).await?.ok_or(QueueError::Unavailable)
    }
}
