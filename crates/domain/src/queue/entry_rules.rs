//! Who may enter a room's line, beyond having an account: what operators ask for, what a fan shows for it, and how it is refused.
//!
//! Whatever a signature decides is decided before anything is looked up, and everything before the room's log gets a join. Who has a place
//! finds it again without showing anything.

mod code;
mod proof;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{SettingsError, groups};
use crate::EventId;
use crate::identity::Assurance;

pub use code::{Code, CodeBatch, CodeKind, NewCodes};
pub use proof::{Challenge, ChallengeFor, PROOF_LIFE_S, ProofFault, check_proof};

/// Edges of what operators may ask for.
pub mod limits {
    /// Cheapest proof of work: less costs a bot nothing.
    pub const MIN_PROOF_COST: u32 = 1_000;
    /// Dearest proof of work: an old phone works for half a minute, and still has time before the challenge expires.
    pub const MAX_PROOF_COST: u32 = 5_000_000;
    /// Most codes that are made at once: an answer of a quarter of a megabyte.
    pub const MAX_CODES_AT_ONCE: u32 = 10_000;
    /// Most accounts that may use one code: more are everyone.
    pub const MAX_CODE_USES: u32 = 1_000_000;
    /// Most batches of codes of one event: each replica has all of them in memory, and a code has ten bits to name one.
    pub const MAX_CODE_BATCHES: u32 = 1_000;
}

/// What operators ask of who joins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EntryRules {
    /// The highest number that may solve a challenge, so twice the hashes that it takes on average; 0 asks for no proof of work.
    pub proof_of_work: u32,
    /// Whether it takes a code.
    pub code: CodeRule,
    /// How sure one must be of who joins. Beyond an account: a person has one place, whatever their accounts.
    pub identity: Assurance,
    /// The largest group that may stand in one place; 0 allows none. Set before the lobby opens: by then everyone knows it.
    pub groups: u8,
}

/// Whether it takes a code to join.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeRule {
    /// It takes none.
    #[default]
    Open,
    /// It takes one.
    Code {
        /// Until then: a presale ends when the public sale begins. None: as long as operators leave it so.
        until: Option<Timestamp>,
    },
}

impl CodeRule {
    /// Whether it takes a code at this time.
    pub fn asks(self, now: Timestamp) -> bool {
        match self {
            Self::Open => false,
            Self::Code { until } => until.is_none_or(|until| now < until),
        }
    }
}

/// What an operator changes of it; None leaves as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EntryChange {
    /// New cost of the proof of work; 0 ends it.
    pub proof_of_work: Option<u32>,
    /// Whether it takes a code from now on.
    pub code: Option<CodeRule>,
    /// How sure one must be from now on.
    pub identity: Option<Assurance>,
    /// The largest group; 0 allows none.
    pub groups: Option<u8>,
}

impl EntryRules {
    /// After a change.
    #[must_use]
    pub fn after(self, change: EntryChange) -> Self {
        Self {
            proof_of_work: change.proof_of_work.unwrap_or(self.proof_of_work),
            code: change.code.unwrap_or(self.code),
            identity: change.identity.unwrap_or(self.identity),
            groups: change.groups.unwrap_or(self.groups),
        }
    }

    /// Checks every field against [`limits`].
    pub fn check(self) -> Result<(), SettingsError> {
        let cost = self.proof_of_work;
        if cost != 0 && !(limits::MIN_PROOF_COST..=limits::MAX_PROOF_COST).contains(&cost) {
            return Err(SettingsError {
                field: "proof_of_work",
                value: cost.to_string(),
                allowed: format!("0 for none, or {} to {}", limits::MIN_PROOF_COST, limits::MAX_PROOF_COST),
            });
        }
        if !groups::may_allow(self.groups) {
            let (least, most) = (groups::limits::MIN_GROUP, groups::limits::MAX_GROUP);
            let allowed = format!("0 for none, or {least} to {most}");
            return Err(SettingsError { field: "groups", value: self.groups.to_string(), allowed });
        }
        Ok(())
    }
}

/// What a fan shows when they join.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct JoinPass {
    /// A solved challenge, as altcha's widget sends it.
    pub proof: Option<String>,
    /// A code, as it was typed.
    pub code: Option<String>,
    /// The code of the group into which they go.
    pub group: Option<String>,
}

/// Why somebody may not enter the line.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryRefusal {
    /// The room asks for a proof of work, and none that counts was shown.
    #[error("a proof of work is asked for: {fault}")]
    Proof {
        /// What is wrong with the one that was shown.
        fault: ProofFault,
        /// To be solved.
        challenge: Challenge,
    },
    /// The room asks for a code, and none was shown.
    #[error("a code is asked for")]
    CodeRequired {
        /// From then on none is; none where that is not known.
        until: Option<Timestamp>,
    },
    /// It is none of this event's codes.
    #[error("there is no such code")]
    CodeInvalid,
    /// It is, and too early.
    #[error("the code is good from {from} on")]
    CodeNotYetValid {
        /// From when on.
        from: Timestamp,
    },
    /// It was.
    #[error("the code was good until {until}")]
    CodeExpired {
        /// Until when.
        until: Timestamp,
    },
    /// As many accounts have used it as may.
    #[error("the code is used up")]
    CodeUsedUp,
    /// The organizer has taken it back.
    #[error("the code was revoked")]
    CodeRevoked,
    /// The room asks for a verified address, and the account's is not.
    #[error("the account's e-mail address is not verified")]
    IdentityNotVerified,
    /// Another account of the same person has the place.
    #[error("another account of this person has the place")]
    IdentityHasPlace,
    /// The event has several lines, and the account stands in another one.
    #[error("the account stands in another line of the event")]
    InAnotherLine {
        /// In that of this onsale.
        onsale: EventId,
    },
}

impl EntryRefusal {
    /// What was shown is made up: no one has to be looked for.
    pub fn is_forged(&self) -> bool {
        matches!(self, Self::Proof { fault: ProofFault::Invalid, .. } | Self::CodeInvalid)
    }

    /// For counting.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Proof { .. } => "proof",
            Self::CodeRequired { .. } => "code_required",
            Self::CodeInvalid => "code_invalid",
            Self::CodeNotYetValid { .. } => "code_not_yet_valid",
            Self::CodeExpired { .. } => "code_expired",
            Self::CodeUsedUp => "code_used_up",
            Self::CodeRevoked => "code_revoked",
            Self::IdentityNotVerified => "identity_not_verified",
            Self::IdentityHasPlace => "identity_has_place",
            Self::InAnotherLine { .. } => "in_another_line",
        }
    }
}

/// A batch of codes, as its organizer sees it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CodeBatchState {
    /// What was made.
    pub batch: CodeBatch,
    /// When.
    pub made_at: Timestamp,
    /// How often they were used, all together.
    pub used: u64,
    /// How many of them were revoked.
    pub revoked: u32,
}

/// One code, as its organizer sees it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CodeState {
    /// The batch it was made with.
    pub batch: CodeBatch,
    /// Its number in the batch.
    pub number: u32,
    /// How many accounts have used it.
    pub used: u32,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// Codes that were just made. Their texts are told this once.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MadeCodes {
    /// What they have in common.
    pub batch: CodeBatch,
    /// Their texts, in the order of their numbers.
    pub codes: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_refused_just_beyond_each_edge() {
        use limits::{MAX_PROOF_COST, MIN_PROOF_COST};
        let rows = [
            (0, true),
            (1, false),
            (MIN_PROOF_COST - 1, false),
            (MIN_PROOF_COST, true),
            (MAX_PROOF_COST, true),
            (MAX_PROOF_COST + 1, false),
        ];
        for (proof_of_work, allowed) in rows {
            let checked = EntryRules { proof_of_work, ..EntryRules::default() }.check();
            assert_eq!(checked.err().map(|error| error.field), (!allowed).then_some("proof_of_work"), "{proof_of_work}");
        }
        use groups::limits::{MAX_GROUP, MIN_GROUP};
        for (groups, allowed) in [(0, true), (1, false), (MIN_GROUP, true), (MAX_GROUP, true), (MAX_GROUP + 1, false)] {
            let checked = EntryRules { groups, ..EntryRules::default() }.check();
            assert_eq!(checked.err().map(|error| error.field), (!allowed).then_some("groups"), "{groups}");
        }
    }

    #[test]
    fn what_is_left_out_of_a_change_stays() {
        let rules = EntryRules {
            proof_of_work: 5_000,
            code: CodeRule::Code { until: None },
            identity: Assurance::VerifiedEmail,
            groups: 4,
        };
        assert_eq!(rules.after(EntryChange::default()), rules);
        let (proof_of_work, identity, groups) = (Some(0), Some(Assurance::Account), Some(0));
        let open = EntryChange { proof_of_work, code: Some(CodeRule::Open), identity, groups };
        assert_eq!(rules.after(open), EntryRules::default());
    }

    #[test]
    fn a_presale_ends_when_the_public_sale_begins() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let until = |second| CodeRule::Code { until: Some(at(second)) };
        let rows = [
            (CodeRule::Open, false),
            (CodeRule::Code { until: None }, true),
            (until(101), true),
            (until(100), false),
            (until(99), false),
        ];
        for (rule, asks) in rows {
            assert_eq!(rule.asks(at(100)), asks, "{rule:?}");
        }
    }
}
