//! Groups: one place for several people. It is the place of the one who leads it, so it stands in the draw once, whoever stands in it and however
//! many they are: all of them come in by it, or none.
//!
//! Who stands in which group is decided here, with rows that nobody else changes meanwhile. What goes into the room's log with a step keeps two
//! promises while the lobby is open: where there is a group its place stands, and who stands in one has no place of their own beside it. Either
//! is said again with each step, and means nothing where it is so already; so no one has to look where a place stands at that moment.

mod code;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Entry, PlaceId};
use crate::AccountId;

pub use code::GroupCode;

/// Edges of what operators may allow.
pub mod limits {
    /// Smallest size that may be allowed: fewer are no group.
    pub const MIN_GROUP: u8 = 2;
    /// Largest one: more seats than one booking should take out of a map at once.
    pub const MAX_GROUP: u8 = 8;
}

/// Whether groups of at most so many may be allowed; 0 allows none.
pub fn may_allow(largest: u8) -> bool {
    largest == 0 || (limits::MIN_GROUP..=limits::MAX_GROUP).contains(&largest)
}

/// A group, as who stands in it sees it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Group {
    /// Others join by it.
    pub code: String,
    /// How many stand in it.
    pub size: u8,
    /// How many may.
    pub largest: u8,
    /// Whether the place is the asking account's own: they claim it, and book.
    pub leads: bool,
}

/// Why it cannot be as somebody wants it with groups.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupRefusal {
    /// Operators allow none.
    #[error("the room has no groups")]
    NotAllowed,
    /// It is no group's code.
    #[error("there is no such group")]
    CodeInvalid,
    /// The group was ended since, or its place is over.
    #[error("the group is over")]
    Over,
    /// As many stand in it as may.
    #[error("the group is full")]
    Full {
        /// How many that is.
        largest: u8,
    },
    /// The lobby is closed: who stands in which group is final.
    #[error("the lobby is closed")]
    Closed,
    /// Stands in another group already.
    #[error("the account stands in another group")]
    InAnother,
    /// Leads another one, with others in it.
    #[error("the account leads another group")]
    LeadsAnother,
    /// Stands in none.
    #[error("the account stands in no group")]
    InNone,
    /// Has no place in the lobby, which a group's place is.
    #[error("the account has no place in the lobby")]
    NoPlace,
    /// The place is another account's, who claims it.
    #[error("the group's leader claims its place")]
    LeaderClaims,
}

impl GroupRefusal {
    /// For counting.
    pub fn kind(self) -> &'static str {
        match self {
            Self::NotAllowed => "groups_not_allowed",
            Self::CodeInvalid => "group_code_invalid",
            Self::Over => "group_over",
            Self::Full { .. } => "group_full",
            Self::Closed => "group_closed",
            Self::InAnother => "in_another_group",
            Self::LeadsAnother => "leads_another_group",
            Self::InNone => "in_no_group",
            Self::NoPlace => "group_needs_place",
            Self::LeaderClaims => "group_leader_claims",
        }
    }
}

/// An account, and the place that is its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fan {
    /// Who.
    pub account: AccountId,
    /// [`PlaceId::of`] them.
    pub place: PlaceId,
}

/// An account that stands in a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Member {
    /// Who.
    pub fan: Fan,
    /// The group's place.
    pub group: PlaceId,
}

impl Member {
    /// Whether the group's place is their own.
    pub fn leads(&self) -> bool {
        self.fan.place == self.group
    }
}

/// Something that a fan does, as far as groups are concerned. Each belongs to an entry of the room's log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GroupStep {
    /// With [`Entry::Join`] of their own place: takes a place alone.
    Alone {
        /// Who.
        fan: Fan,
        /// The place of the group in which they stood, which is over for good.
        over: Option<PlaceId>,
    },
    /// With [`Entry::Join`] of their own place: makes it a group's.
    Make {
        /// Who leads it.
        fan: Fan,
    },
    /// With [`Entry::Leave`] of their own place: goes into a group.
    Enter {
        /// Who.
        fan: Fan,
        /// The group's place.
        group: PlaceId,
        /// How many may stand in it.
        largest: u8,
    },
    /// With [`Entry::Join`] of their own place: stands alone again, or with [`Entry::Leave`] no more. Where they lead the group it ends, and
    /// everyone else in it stands alone.
    Quit {
        /// Who.
        fan: Fan,
    },
    /// With the entry by which a place is given back: the group whose place it is ends.
    GiveBack {
        /// Which.
        place: PlaceId,
    },
}

impl GroupStep {
    /// Whose group matters to it.
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Self::Alone { fan, .. } | Self::Make { fan } | Self::Enter { fan, .. } | Self::Quit { fan } => Some(fan.account),
            Self::GiveBack { .. } => None,
        }
    }

    /// Which other group does.
    pub fn group(&self) -> Option<PlaceId> {
        match self {
            Self::Enter { group, .. } => Some(*group),
            Self::GiveBack { place } => Some(*place),
            Self::Alone { .. } | Self::Make { .. } | Self::Quit { .. } => None,
        }
    }
}

/// Why a step is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotTaken {
    /// The account stands in the group that has this place, and goes on standing there.
    InGroup(PlaceId),
    /// It cannot be.
    Refused(GroupRefusal),
}

/// Whole groups of one room, everyone who stands in them: those that matter to the steps that are to be taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Roster {
    /// Of an open lobby; after it nothing changes but that groups end.
    open: bool,
    members: BTreeMap<AccountId, Member>,
}

impl Roster {
    /// As they are now.
    pub fn new(open: bool, members: impl IntoIterator<Item = Member>) -> Self {
        Self { open, members: members.into_iter().map(|member| (member.fan.account, member)).collect() }
    }

    /// Everyone in them.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// Takes a step. Returns entries that belong into the log beside the step's own one.
    pub fn take(&mut self, step: GroupStep) -> Result<Vec<Entry>, NotTaken> {
        match step {
            GroupStep::Alone { fan, over } => self.alone(fan, over),
            GroupStep::Make { fan } => self.make(fan),
            GroupStep::Enter { fan, group, largest } => self.enter(fan, group, largest),
            GroupStep::Quit { fan } => self.quit(fan),
            GroupStep::GiveBack { place } => Ok(self.end(place)),
        }
    }

    fn alone(&mut self, fan: Fan, over: Option<PlaceId>) -> Result<Vec<Entry>, NotTaken> {
        match self.members.get(&fan.account) {
            None => Ok(Vec::new()),
            // While the lobby is open no group's place is over.
            Some(member) if over == Some(member.group) && !self.open => Ok(self.end(member.group)),
            Some(member) => Err(NotTaken::InGroup(member.group)),
        }
    }

    fn make(&mut self, fan: Fan) -> Result<Vec<Entry>, NotTaken> {
        if let Some(member) = self.members.get(&fan.account) {
            return Err(NotTaken::InGroup(member.group));
        }
        self.only_open()?;
        self.members.insert(fan.account, Member { fan, group: fan.place });
        Ok(Vec::new())
    }

    fn enter(&mut self, fan: Fan, group: PlaceId, largest: u8) -> Result<Vec<Entry>, NotTaken> {
        let before = self.members.get(&fan.account);
        if before.is_some_and(|member| member.group == group) {
            return Err(NotTaken::InGroup(group));
        }
        self.only_open()?;
        let refused = |refusal| Err(NotTaken::Refused(refusal));
        match before {
            Some(member) if !member.leads() => return refused(GroupRefusal::InAnother),
            Some(member) if self.size(member.group) > 1 => return refused(GroupRefusal::LeadsAnother),
            _ => {}
        }
        if !self.members().any(|member| member.group == group && member.leads()) {
            return refused(GroupRefusal::Over);
        }
        if self.size(group) >= usize::from(largest) {
            return refused(GroupRefusal::Full { largest });
        }
        self.members.insert(fan.account, Member { fan, group });
        Ok(Vec::new())
    }

    fn quit(&mut self, fan: Fan) -> Result<Vec<Entry>, NotTaken> {
        let member = *self.members.get(&fan.account).ok_or(NotTaken::Refused(GroupRefusal::InNone))?;
        self.only_open()?;
        if member.leads() {
            return Ok(self.end(member.group));
        }
        self.members.remove(&fan.account);
        Ok(Vec::new())
    }

    /// Who stood in it with its leader takes part in the draw alone; after the lobby it is over for all of them.
    fn end(&mut self, group: PlaceId) -> Vec<Entry> {
        let (ended, left) = std::mem::take(&mut self.members).into_iter().partition(|(_, member)| member.group == group);
        self.members = left;
        let ended: BTreeMap<AccountId, Member> = ended;
        let others = ended.values().filter(|member| self.open && !member.leads());
        others.map(|member| Entry::Join(member.fan.place)).collect()
    }

    fn only_open(&self) -> Result<(), NotTaken> {
        if self.open { Ok(()) } else { Err(NotTaken::Refused(GroupRefusal::Closed)) }
    }

    fn size(&self, group: PlaceId) -> usize {
        self.members().filter(|member| member.group == group).count()
    }

    /// What makes this of what was before: who is to be taken out, and who put in after that.
    pub fn since(&self, before: &Self) -> RosterChange {
        let changed = |from: &Self, to: &Self| -> Vec<Member> {
            from.members().filter(|member| to.members.get(&member.fan.account) != Some(member)).copied().collect()
        };
        RosterChange { out: changed(before, self), into: changed(self, before) }
    }
}

/// See [`Roster::since`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RosterChange {
    /// Who does not stand there any more.
    pub out: Vec<Member>,
    /// Who stands there now.
    pub into: Vec<Member>,
}

#[cfg(test)]
mod tests;
