//! What a checker found where nothing is wrong.

use goticket_domain::EventId;
use goticket_domain::queue::PlaceId;
use goticket_domain::queue::draw::DrawSeed;
use serde::Serialize;

/// Nothing of what was given is wrong.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Verdict {
    /// Which event's draw.
    pub event: EventId,
    /// How far it is.
    pub stage: Stage,
    /// Entries of the closed lobby.
    pub entries: Option<u64>,
    /// How many take part.
    pub participants: Option<u64>,
    /// What orders them.
    pub seed: Option<DrawSeed>,
    /// Of whom it was asked.
    pub place: Option<PlaceFound>,
    /// Receipts of places that were taken after the lobby: the draw is not about them.
    pub late_receipts: u64,
    /// What this cannot be relied on for. In a fixed order.
    pub weak: Vec<Weak>,
}

/// How far a draw is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The lobby is still to be closed.
    Announced,
    /// The list is fixed, and nothing drawn yet.
    Closed,
    /// There is an order.
    Drawn,
}

/// One place in the closed lobby.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct PlaceFound {
    /// Which.
    pub place: PlaceId,
    /// Where it stands.
    #[serde(flatten)]
    pub standing: Standing,
}

/// What became of a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "standing", rename_all = "snake_case")]
pub enum Standing {
    /// No entry is about it.
    Absent,
    /// It was given back, and not taken again.
    Left {
        /// By this entry, from 0.
        entry: u64,
    },
    /// It will be drawn.
    TakesPart,
    /// It was drawn.
    Drawn {
        /// How many were drawn before it.
        rank: u64,
    },
}

/// Why a draw with nothing wrong may still have been steered, or what could not be checked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weak {
    /// The terms name no beacon: whoever has the secret and adds places can choose the order.
    Steerable,
    /// Nothing that a fan kept says that these terms were announced in time: the whole record could have been made up afterwards.
    Unwitnessed,
    /// No board that a fan kept shows the closed lobby: its last entries could have been chosen when the round was known.
    ClosingUnwitnessed,
    /// It is not known here when the chain's rounds come; that one came after the closing is the record's word.
    RoundTimesUnknown,
    /// The chain's key is not known here: its round cannot be checked when it comes.
    ChainUnknown,
    /// The place was given back, says the list. Fans do not sign that: it is the operators' word.
    LeaveUnsigned,
    /// This checker has not verified the signature of the beacon's round. (The one in this crate always does.)
    RoundUnverified,
}

impl Weak {
    /// In the order of a verdict.
    pub const ALL: [Self; 7] = [
        Self::Steerable,
        Self::Unwitnessed,
        Self::ClosingUnwitnessed,
        Self::RoundTimesUnknown,
        Self::ChainUnknown,
        Self::LeaveUnsigned,
        Self::RoundUnverified,
    ];

    /// What it means, for who reads the report.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Steerable => {
                "the draw has no beacon: whoever knows the secret can choose the order by adding places before the lobby closes"
            }
            Self::Unwitnessed => {
                "no receipt and no board was given: all of this could have been made up after the draw; give what was saved before it"
            }
            Self::ClosingUnwitnessed => {
                "no board was given that shows the closed lobby: give one that was saved before the beacon's round, or compare with others"
            }
            Self::RoundTimesUnknown => "when the beacon's rounds come is taken from the record: it is not known here",
            Self::ChainUnknown => "the beacon's key is not known here: give it before the draw is checked",
            Self::LeaveUnsigned => "that the place was given back is the operators' word: no one signs that",
            Self::RoundUnverified => "the signature of the beacon's round was not verified",
        }
    }
}
