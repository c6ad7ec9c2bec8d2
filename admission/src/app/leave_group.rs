//! Leaving a group, or ending it.

use goticket_domain::queue::groups::GroupStep;
use goticket_domain::queue::{GroupRefusal, QueueError};
use goticket_domain::{AccountId, EventId};

use super::WaitingRoomService;
use super::counted::Counted;
use super::group_commit::Change;
use super::join::refuse_without_line;

impl WaitingRoomService {
    /// Who leaves stands in the lobby alone again, if they `stay`; and so does everyone where the leader leaves. Leaving twice is leaving.
    pub(super) async fn quit_group(&self, event: EventId, account: AccountId, stay: bool) -> Result<(), QueueError> {
        let known = self.room(event).await?;
        refuse_without_line(&known)?;
        if self.find_group(&known, account).await?.is_none() {
            return Ok(());
        }
        let fan = self.fan(event, account);
        let unchosen = known.if_other_lines(account).filter(|_| !stay);
        let counted = Counted { group: Some(GroupStep::Quit { fan }), unchosen, ..Counted::default() };
        match known.log.change(fan.place, Change::QuitGroup { stay, counted }).await {
            Ok(_) | Err(QueueError::Group(GroupRefusal::InNone)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
