//! The one outcome of a request: seats held, or a refusal that tells the truth.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::BookingState;
use crate::{AccountId, BookingId, Money, SeatNo};

/// Why a request got no seats.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// Sold: they will not come back.
    Sold,
    /// On hold by somebody else: they may come back.
    Held,
    /// The account itself has them, held or bought.
    Yours,
    /// Too many at once, or a fault that passed: trying again makes sense.
    Contended,
    /// Not so many seats side by side; fewer may work.
    NotTogether,
    /// The account would have more tickets than the event allows.
    LimitReached,
    /// The event's sale has not begun.
    NotOnSale,
    /// The event's sale is over.
    Closed,
    /// The fan gave the request back before it was decided.
    Cancelled,
    /// The request itself cannot be carried out: a seat of another section or event, a category the section does not have.
    Invalid,
    /// Our own fault, not the request's: carrying it out failed again and again.
    Failed,
}

impl RefusalReason {
    /// Every reason, for reports.
    pub const ALL: [Self; 11] = [
        Self::Sold,
        Self::Held,
        Self::Yours,
        Self::Contended,
        Self::NotTogether,
        Self::LimitReached,
        Self::NotOnSale,
        Self::Closed,
        Self::Cancelled,
        Self::Invalid,
        Self::Failed,
    ];

    /// The name used in tables, events and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sold => "sold",
            Self::Held => "held",
            Self::Yours => "yours",
            Self::Contended => "contended",
            Self::NotTogether => "not_together",
            Self::LimitReached => "limit_reached",
            Self::NotOnSale => "not_on_sale",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
            Self::Invalid => "invalid",
            Self::Failed => "failed",
        }
    }
}

/// Seats that are the fan's until the deadline.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HeldSeats {
    /// Seat numbers within the event, ascending.
    pub seats: Vec<SeatNo>,
    /// What they cost together.
    pub total: Money,
    /// The end of the hold, by the database's clock.
    pub expires_at: Timestamp,
}

/// Why a request got no seats, and what its fan can know about it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Refusal {
    /// Why.
    pub reason: RefusalReason,
    /// The seats in the way, where seats were named.
    pub seats: Vec<SeatNo>,
    /// When the last of them comes back, unless it is paid for: only of [`RefusalReason::Held`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The account's own booking that has them: only of [`RefusalReason::Yours`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yours: Option<BookingId>,
}

/// A seat that is in the way, and who has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TakenSeat {
    /// The seat.
    pub seat: SeatNo,
    /// The live booking that has it.
    pub booking: BookingId,
    /// Whose booking that is.
    pub account: AccountId,
    /// Held or confirmed.
    pub state: BookingState,
    /// When its hold ends, or ended.
    pub until: Timestamp,
}

impl Refusal {
    /// Why `account` cannot have seats of which these are taken; none of them, no refusal. One sold seat is the end of it; if all that
    /// is in the way is the account's own, it is told so.
    pub fn of_taken(taken: &[TakenSeat], account: AccountId) -> Option<Self> {
        let first = taken.first()?;
        let seats = taken.iter().map(|taken| taken.seat).collect();
        if taken.iter().all(|taken| taken.account == account) {
            return Some(Self { reason: RefusalReason::Yours, seats, until: None, yours: Some(first.booking) });
        }
        if taken.iter().any(|taken| taken.state == BookingState::Confirmed) {
            return Some(Self { seats, ..RefusalReason::Sold.into() });
        }
        let until = taken.iter().map(|taken| taken.until).max();
        Some(Self { reason: RefusalReason::Held, seats, until, yours: None })
    }
}

impl From<RefusalReason> for Refusal {
    fn from(reason: RefusalReason) -> Self {
        Self { reason, seats: Vec::new(), until: None, yours: None }
    }
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
        #[serde(flatten)]
        refusal: Refusal,
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

/// What became of a command.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Answer {
    /// The request's one outcome.
    Decided {
        /// The outcome.
        decided: Outcome,
        /// Decided before, for a request with another id.
        replayed: bool,
    },
    /// The key, or the booking's id, was used for something else before.
    KeyReused,
    /// A command about a booking left it in this state.
    State {
        /// The state now.
        state: BookingState,
    },
    /// No such booking, or not this account's.
    Unknown,
}
