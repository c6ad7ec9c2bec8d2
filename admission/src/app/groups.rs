//! Groups of a room: who stands in which, and where the place is by which they stand in line.

use goticket_domain::queue::groups::{Fan, GroupCode, Member};
use goticket_domain::queue::{Group, GroupRefusal, PlaceId, QueueError};
use goticket_domain::{AccountId, EventId};
use goticket_storage::{answered, queue_groups, queue_log};

use super::group_commit::{Change, Changed};
use super::join::Taken;
use super::rooms::Known;
use super::{WaitingRoomService, storage_failed};
use crate::outbound::redis::Found;

impl Known {
    /// How many may stand in one place, in a room that has groups.
    pub(super) fn largest_group(&self) -> Result<u8, GroupRefusal> {
        match self.room.settings.entry.groups {
            0 => Err(GroupRefusal::NotAllowed),
            largest => Ok(largest),
        }
    }

    fn has_groups(&self) -> bool {
        self.largest_group().is_ok()
    }

    /// What somebody counts as with groups, where the room has them.
    pub(super) fn if_groups<T>(&self, what: T) -> Option<T> {
        self.has_groups().then_some(what)
    }
}

impl WaitingRoomService {
    pub(super) fn fan(&self, event: EventId, account: AccountId) -> Fan {
        Fan { account, place: self.place_of(event, account) }
    }

    /// The group in which an account stands, as it sees it.
    pub(super) async fn read_group(&self, event: EventId, account: AccountId) -> Result<Group, QueueError> {
        let known = self.room(event).await?;
        self.find_group(&known, account).await?.ok_or(GroupRefusal::InNone.into())
    }

    pub(super) async fn find_group(&self, known: &Known, account: AccountId) -> Result<Option<Group>, QueueError> {
        let (members, event) = (self.members_with(known, account).await?, known.room.event);
        let Some(own) = members.iter().find(|member| member.fan.account == account) else { return Ok(None) };
        if self.stand_of(known, own.group).await? == Stand::Over {
            return Ok(None);
        }
        Ok(Some(Group {
            code: GroupCode::of(&self.place_keys.group_key(event), own.group).to_string(),
            size: u8::try_from(members.len()).unwrap_or(u8::MAX),
            largest: known.room.settings.entry.groups,
            leads: own.leads(),
        }))
    }

    /// The place of the group in which an account stands. One reading, or two, in rooms that have groups.
    pub(super) async fn group_of(&self, known: &Known, account: AccountId) -> Result<Option<PlaceId>, QueueError> {
        let members = self.members_with(known, account).await?;
        Ok(members.iter().find(|member| member.fan.account == account).map(|member| member.group))
    }

    async fn members_with(&self, known: &Known, account: AccountId) -> Result<Vec<Member>, QueueError> {
        if !known.has_groups() {
            return Ok(Vec::new());
        }
        let event = known.room.event;
        let members = answered(queue_groups::of_account(&self.pool, event, account)).await.map_err(storage_failed)?;
        if !members.is_empty() {
            // Their place is looked for next: not in a line that follows from a log of before.
            let head = answered(queue_log::head(&self.pool, event)).await.map_err(storage_failed)?;
            known.log.heard_of(head.map_or(0, |head| head.size));
        }
        Ok(members)
    }

    /// A group's place, where it stands; none where it is over. One whose turn has passed stands in line once more: the group has come back.
    pub(super) async fn come_back(&self, known: &Known, group: PlaceId) -> Result<Option<Taken>, QueueError> {
        let changed = match self.stand_of(known, group).await? {
            Stand::Here(found) => Changed::nothing(found),
            Stand::OnceMore => known.log.change(group, Change::Defer).await?,
            Stand::Over => return Ok(None),
        };
        Ok(matches!(changed.after, Found::Here(_)).then(|| Taken::by(group, changed)))
    }

    async fn stand_of(&self, known: &Known, group: PlaceId) -> Result<Stand, QueueError> {
        Ok(match known.log.find(&[group]).await?.found.first().copied() {
            Some(found @ Found::Here(_)) => Stand::Here(found),
            Some(Found::Passed { once_more: true }) => Stand::OnceMore,
            Some(Found::Passed { once_more: false } | Found::Over | Found::Nowhere) | None => Stand::Over,
        })
    }
}

/// What a group's place is worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stand {
    Here(Found),
    /// Its turn passed, and comes once more.
    OnceMore,
    /// For good.
    Over,
}
