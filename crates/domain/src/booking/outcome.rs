//! The one outcome of a request: seats held, or a refusal that tells the truth.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{BookingId, Money};

/// Why a request got no seats.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// Sold: they will not come back.
    Sold,
    /// On hold by somebody else: they may come back.
    Held,
    /// Somebody was faster in this very moment; trying again makes sense.
    Contended,
    /// Not so many seats side by side; fewer may work.
    NotTogether,
    /// The account would have more tickets than the event allows.
    LimitReached,
    /// The event is not on sale (any more).
    NotOnSale,
    /// The request itself cannot be carried out: a seat of another section or event, a category the section does not have.
    Invalid,
    /// Our own fault, not the request's: carrying it out failed again and again.
    Failed,
}

impl RefusalReason {
    /// Every reason, for reports.
    pub const ALL: [Self; 8] = [
        Self::Sold,
        Self::Held,
        Self::Contended,
        Self::NotTogether,
        Self::LimitReached,
        Self::NotOnSale,
        Self::Invalid,
        Self::Failed,
    ];

    /// The name used in tables, events and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sold => "sold",
            Self::Held => "held",
            Self::Contended => "contended",
            Self::NotTogether => "not_together",
            Self::LimitReached => "limit_reached",
            Self::NotOnSale => "not_on_sale",
            Self::Invalid => "invalid",
            Self::Failed => "failed",
        }
    }
}

/// Seats that are the fan's until the deadline.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HeldSeats {
    /// Seat numbers within the event, ascending.
    pub seats: Vec<u32>,
    /// What they cost together.
    pub total: Money,
    /// The end of the hold, by the database's clock.
    pub expires_at: Timestamp,
}

/// What was decided, stored under the idempotency key and given to every repetition.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The seats are held.
    Held {
        /// The booking.
        booking: BookingId,
        /// Its seats, price and deadline.
        #[serde(flatten)]
        held: HeldSeats,
    },
    /// No seats.
    Refused {
        /// The id the request was answered under.
        booking: BookingId,
        /// Why.
        reason: RefusalReason,
        /// The seats in the way, where seats were named.
        seats: Vec<u32>,
    },
}

impl Outcome {
    /// The id of the booking, also of one that did not come to be.
    pub fn booking(&self) -> BookingId {
        match self {
            Self::Held { booking, .. } | Self::Refused { booking, .. } => *booking,
        }
    }
}
