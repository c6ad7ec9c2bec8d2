//! What a command has changed. In the order of the decisions, each change is one domain event (but for a notice that was seen), and all
//! of them together are what is written.

use super::{BookingState, IdempotencyKey, Order, PayloadHash, Refusal};
use crate::{AccountId, BookingId, EventId, Money, PaymentId, SeatNo, SectionNo, payment::PaymentState};

/// One change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// A request was given seats: a new booking.
    Held(NewBooking),
    /// A request was given none.
    Refused(RefusedRequest),
    /// A booking has another state.
    Moved(Transition),
    /// A payment has another state.
    Payment(PaymentChange),
    /// A provider's notice has had its effect.
    NoticeSeen {
        /// The provider's name.
        provider: String,
        /// Its id of the notice.
        id: String,
    },
}

/// A booking that came to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewBooking {
    /// What for.
    pub order: Order,
    /// Under which key it was asked for.
    pub key: IdempotencyKey,
    /// What was asked.
    pub payload_hash: PayloadHash,
}

/// A request that got no seats.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefusedRequest {
    /// The id it is answered under.
    pub booking: BookingId,
    /// For which event.
    pub event: EventId,
    /// For which section.
    pub section: SectionNo,
    /// Whose.
    pub account: AccountId,
    /// Under which key.
    pub key: IdempotencyKey,
    /// What was asked.
    pub payload_hash: PayloadHash,
    /// Why.
    pub refusal: Refusal,
}

/// A booking's change of state. Its seats go with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transition {
    /// Which.
    pub booking: BookingId,
    /// Whose.
    pub account: AccountId,
    /// Its seats, ascending.
    pub seats: Vec<SeatNo>,
    /// The state it left.
    pub from: BookingState,
    /// The state it has.
    pub to: BookingState,
    /// What paid for it, if it was confirmed.
    pub payment: Option<PaymentId>,
}

/// A payment's change of state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PaymentChange {
    /// Which.
    pub payment: PaymentId,
    /// For which booking.
    pub booking: BookingId,
    /// At which provider.
    pub provider: String,
    /// What was asked for.
    pub asked: Money,
    /// What the provider says was paid.
    pub amount: Money,
    /// The state it must still be in.
    pub from: PaymentState,
    /// The state it has.
    pub to: PaymentState,
}
