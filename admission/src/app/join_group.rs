//! Joining a group: its place instead of one's own.

use goticket_domain::AccountId;
use goticket_domain::queue::groups::{GroupCode, GroupStep};
use goticket_domain::queue::{GroupRefusal, JoinPass, PlaceId, QueueError};

use super::WaitingRoomService;
use super::counted::Counted;
use super::group_commit::Change;
use super::join::Taken;
use super::rooms::Known;

impl WaitingRoomService {
    /// The place of the group whose code this is. Each of a group is a person who shows what the room asks for; who stands in it already finds
    /// its place again, whatever they show.
    pub(super) async fn take_group_place(
        &self,
        known: &Known,
        account: AccountId,
        pass: &JoinPass,
        code: &str,
    ) -> Result<Taken, QueueError> {
        let entered = self.enter_group(known, account, pass, code).await;
        if let Err(QueueError::Group(refusal)) = &entered {
            metrics::counter!("admission_entries_refused_total", "why" => refusal.kind()).increment(1);
        }
        let (group, stood) = entered?;
        match self.come_back(known, group).await? {
            Some(taken) => Ok(Taken { existing: stood && taken.existing, ..taken }),
            None => Err(GroupRefusal::Over.into()),
        }
    }

    /// The group's place, and whether they stood in it before.
    async fn enter_group(
        &self,
        known: &Known,
        account: AccountId,
        pass: &JoinPass,
        code: &str,
    ) -> Result<(PlaceId, bool), QueueError> {
        let largest = known.largest_group()?;
        let signed = GroupCode::parse(code).and_then(|code| code.group(self.place_keys.group_keys(known.room.event)));
        let group = signed.ok_or(GroupRefusal::CodeInvalid)?;
        let counted = match self.check_pass(known, account, pass).await {
            Ok(counted) => counted,
            Err(QueueError::Entry(refusal)) if !refusal.is_forged() => {
                return match self.group_of(known, account).await? {
                    Some(stands) if stands == group => Ok((group, true)),
                    _ => Err(refusal.into()),
                };
            }
            Err(error) => return Err(error),
        };
        let fan = self.fan(known.room.event, account);
        let counted = Counted { group: Some(GroupStep::Enter { fan, group, largest }), ..counted };
        let changed = known.log.change(fan.place, Change::EnterGroup { counted }).await?;
        Ok((group, changed.in_group.is_some()))
    }
}
