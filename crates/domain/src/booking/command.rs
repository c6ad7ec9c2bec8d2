//! Everything that can be asked of the owner of an event's bookings.

use serde::{Deserialize, Serialize};

use super::{BookingRequest, IdempotencyKey, PayloadHash};
use crate::{AccountId, BookingId, Money, PaymentId, SectionNo};

/// One command.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Command {
    /// Decide a request for seats.
    Create {
        /// The request.
        request: BookingRequest,
    },
    /// The provider has decided a payment.
    Pay {
        /// What the provider said.
        notice: PaymentNotice,
    },
    /// The fan gives a held booking, or a request that is not decided yet, back.
    Cancel {
        /// Which.
        booking: BookingId,
        /// Whose it must be.
        account: AccountId,
        /// The request it was accepted as, if it was not decided when the fan gave it back: this command may overtake it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undecided: Option<UndecidedRequest>,
    },
    /// The hold's deadline has passed (decided by the database's clock).
    Expire {
        /// Which.
        booking: BookingId,
    },
    /// The provider has given a payment back that was due to go back.
    Refunded {
        /// Which payment.
        payment: PaymentId,
        /// Its booking.
        booking: BookingId,
    },
}

impl Command {
    /// The booking it is about.
    pub fn booking(&self) -> BookingId {
        match self {
            Self::Create { request } => request.booking,
            Self::Pay { notice } => notice.booking,
            Self::Cancel { booking, .. } | Self::Expire { booking } | Self::Refunded { booking, .. } => *booking,
        }
    }
}

/// What is known of a request while it waits: enough to decide its key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UndecidedRequest {
    /// Its key.
    pub key: IdempotencyKey,
    /// What it asks for.
    pub payload_hash: PayloadHash,
    /// Of which section.
    pub section: SectionNo,
}

/// What a payment provider said about one payment, from a verified webhook or asked for by the reconciler.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PaymentNotice {
    /// Our payment.
    pub payment: PaymentId,
    /// Its booking.
    pub booking: BookingId,
    /// The provider's name.
    pub provider: String,
    /// The provider's id of this notice; the same one again has no effect.
    pub notice_id: String,
    /// Paid or declined.
    pub result: PaymentResult,
    /// What the provider says was paid.
    pub amount: Money,
    /// What the attempt asked for, as whoever took the notice read it.
    pub asked: Money,
}

/// Paid or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentResult {
    /// The money is ours.
    Paid,
    /// The provider said no.
    Declined,
}
