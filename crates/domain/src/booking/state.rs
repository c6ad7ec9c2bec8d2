//! The life of a booking: `held → confirmed | expired | cancelled`, `confirmed → refunded`. A transition consumes the state it leaves,
//! so the illegal one does not compile; the SQL that carries it out repeats the guard.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{BookingId, PaymentId};

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

/// Seats are held until `deadline`, by the database's clock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Held {
    /// End of the hold.
    pub deadline: Timestamp,
}
/// Paid by this payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Confirmed {
    /// The payment that arrived in time.
    pub payment: PaymentId,
}
/// The deadline passed unpaid.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expired;
/// Given back before paying.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cancelled;
/// Paid and given back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refunded;

/// The deadline has passed; nothing was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the hold ended before the payment arrived")]
pub struct TooLate;

/// A booking in state `S`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Booking<S> {
    /// Which booking.
    pub id: BookingId,
    /// What this state knows.
    pub state: S,
}

impl Booking<Held> {
    /// Payment arrived. `now` is the database's clock; the deadline itself is too late.
    pub fn confirm(self, payment: PaymentId, now: Timestamp) -> Result<Booking<Confirmed>, (Self, TooLate)> {
        if now < self.state.deadline { Ok(Booking { id: self.id, state: Confirmed { payment } }) } else { Err((self, TooLate)) }
    }

    /// The deadline passed; a hold that still runs is handed back.
    pub fn expire(self, now: Timestamp) -> Result<Booking<Expired>, Self> {
        if now < self.state.deadline { Err(self) } else { Ok(Booking { id: self.id, state: Expired }) }
    }

    /// The fan gives the seats back.
    pub fn cancel(self) -> Booking<Cancelled> {
        Booking { id: self.id, state: Cancelled }
    }
}

impl Booking<Confirmed> {
    /// The money goes back and the seats with it.
    pub fn refund(self) -> Booking<Refunded> {
        Booking { id: self.id, state: Refunded }
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
        let payment = PaymentId(Uuid::nil());
        for (offset_ms, in_time) in [(-1, true), (0, false), (1, false)] {
            let now = deadline + SignedDuration::from_millis(offset_ms);
            let held = Booking { id: BookingId(Uuid::nil()), state: Held { deadline } };
            assert_eq!(held.clone().confirm(payment, now).is_ok(), in_time, "{offset_ms} ms");
            assert_eq!(held.expire(now).is_ok(), !in_time, "{offset_ms} ms");
        }
    }
}
