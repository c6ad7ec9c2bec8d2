//! The life of a booking: `held → confirmed | expired | cancelled`, `expired → confirmed` (paid late, while its seats were still free and
//! the event had not started), `confirmed → refunded`. What was cancelled or refunded stays so. A transition consumes the state it leaves, so the illegal one does
//! not compile; the SQL that carries it out repeats the guard.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{AccountId, BookingId, EventId, Money, SeatNo, SectionNo};

/// The state's name, as stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BookingState {
    /// Seats are the fan's until the deadline.
    Held,
    /// Paid.
    Confirmed,
    /// The deadline passed.
    Expired,
    /// The fan gave the seats back before paying.
    Cancelled,
    /// Paid, then given back.
    Refunded,
}

impl BookingState {
    /// The name used in tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Confirmed => "confirmed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
        }
    }

    /// Do its seats belong to it?
    pub fn is_live(self) -> bool {
        matches!(self, Self::Held | Self::Confirmed)
    }
}

impl std::str::FromStr for BookingState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Held, Self::Confirmed, Self::Expired, Self::Cancelled, Self::Refunded]
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or_else(|| format!("unknown booking state {text:?}"))
    }
}

/// What a booking is for: the same in every state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Order {
    /// Which booking.
    pub id: BookingId,
    /// Of which event.
    pub event: EventId,
    /// Of which section of it.
    pub section: SectionNo,
    /// Whose.
    pub account: AccountId,
    /// Its seats, ascending.
    pub seats: Vec<SeatNo>,
    /// The price of each seat, in minor units.
    pub prices: Vec<i64>,
    /// What they cost together.
    pub total: Money,
    /// End of the hold, by the database's clock.
    pub hold_expires_at: Timestamp,
}

/// The seats are the fan's until the deadline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Held(());
/// Paid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Confirmed(());
/// The deadline passed unpaid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Expired(());
/// Given back before paying.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cancelled(());
/// Paid and given back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refunded(());

/// The deadline has passed; nothing was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the hold ended before the payment arrived")]
pub struct TooLate;

/// A booking in state `S`. Only this module makes one in a state: by a transition, or as it was stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Booking<S> {
    order: Box<Order>,
    state: S,
}

impl<S> Booking<S> {
    /// What it is for.
    pub fn order(&self) -> &Order {
        &self.order
    }
}

impl Booking<Held> {
    /// The beginning: the seats are given until [`Order::hold_expires_at`].
    pub fn hold(order: Order) -> Self {
        Self { order: Box::new(order), state: Held(()) }
    }

    /// Payment arrived. `now` is the database's clock; the deadline itself is too late.
    pub fn confirm(self, now: Timestamp) -> Result<Booking<Confirmed>, (Self, TooLate)> {
        if now < self.order.hold_expires_at {
            Ok(Booking { order: self.order, state: Confirmed(()) })
        } else {
            Err((self, TooLate))
        }
    }

    /// The deadline passed; a hold that still runs is handed back.
    pub fn expire(self, now: Timestamp) -> Result<Booking<Expired>, Self> {
        if now < self.order.hold_expires_at { Err(self) } else { Ok(Booking { order: self.order, state: Expired(()) }) }
    }

    /// The fan gives the seats back.
    pub fn cancel(self) -> Booking<Cancelled> {
        Booking { order: self.order, state: Cancelled(()) }
    }
}

impl Booking<Expired> {
    /// Paid too late, and its seats are given to it once more: the caller has seen that all of them are free.
    pub fn confirm_late(self) -> Booking<Confirmed> {
        Booking { order: self.order, state: Confirmed(()) }
    }
}

impl Booking<Confirmed> {
    /// The money goes back and the seats with it.
    pub fn refund(self) -> Booking<Refunded> {
        Booking { order: self.order, state: Refunded(()) }
    }
}

/// A booking in whichever state it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AnyBooking {
    /// Live, not paid.
    Held(Booking<Held>),
    /// Live, paid.
    Confirmed(Booking<Confirmed>),
    /// Ended by its deadline.
    Expired(Booking<Expired>),
    /// Ended by its fan.
    Cancelled(Booking<Cancelled>),
    /// Ended with its money given back.
    Refunded(Booking<Refunded>),
}

impl AnyBooking {
    /// As it was stored.
    pub fn restore(order: Order, state: BookingState) -> Self {
        let order = Box::new(order);
        match state {
            BookingState::Held => Self::Held(Booking { order, state: Held(()) }),
            BookingState::Confirmed => Self::Confirmed(Booking { order, state: Confirmed(()) }),
            BookingState::Expired => Self::Expired(Booking { order, state: Expired(()) }),
            BookingState::Cancelled => Self::Cancelled(Booking { order, state: Cancelled(()) }),
            BookingState::Refunded => Self::Refunded(Booking { order, state: Refunded(()) }),
        }
    }

    /// What it is for.
    pub fn order(&self) -> &Order {
        match self {
            Self::Held(booking) => &booking.order,
            Self::Confirmed(booking) => &booking.order,
            Self::Expired(booking) => &booking.order,
            Self::Cancelled(booking) => &booking.order,
            Self::Refunded(booking) => &booking.order,
        }
    }

    /// The name of its state.
    pub fn state(&self) -> BookingState {
        match self {
            Self::Held(_) => BookingState::Held,
            Self::Confirmed(_) => BookingState::Confirmed,
            Self::Expired(_) => BookingState::Expired,
            Self::Cancelled(_) => BookingState::Cancelled,
            Self::Refunded(_) => BookingState::Refunded,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_hold_is_either_confirmed_before_or_expired_at_its_deadline() {
        let deadline = Timestamp::UNIX_EPOCH;
        let order = Order {
            id: BookingId(Uuid::nil()),
            event: EventId(Uuid::nil()),
            section: SectionNo(0),
            account: AccountId(Uuid::nil()),
            seats: vec![SeatNo(1)],
            prices: vec![100],
            total: Money { amount_minor: 100, currency: iso_currency::Currency::EUR },
            hold_expires_at: deadline,
        };
        for (offset_ms, in_time) in [(-1, true), (0, false), (1, false)] {
            let now = deadline + SignedDuration::from_millis(offset_ms);
            let held = Booking::hold(order.clone());
            assert_eq!(held.clone().confirm(now).is_ok(), in_time, "{offset_ms} ms");
            assert_eq!(held.expire(now).is_ok(), !in_time, "{offset_ms} ms");
        }
    }
}
