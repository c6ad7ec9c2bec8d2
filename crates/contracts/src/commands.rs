//! Commands on a section's queue: every change to a booking is one. JSON, `content-type: application/json`, persistent, with the
//! AMQP `message-id` set to the booking's id.

use goticket_domain::booking::BookingRequest;
use goticket_domain::{AccountId, BookingId, EventId, Money, PaymentId};
use serde::{Deserialize, Serialize};

/// Largest command, in bytes; anything bigger is dead-lettered unread.
pub const MAX_COMMAND_BYTES: usize = 16 * 1024;

/// One command.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Command {
    /// The event whose section's queue this is on.
    pub event: EventId,
    /// That section.
    pub section: u16,
    /// Who waits for the reply: a gateway's instance id, from which [`crate::redis_keys::reply_channel`] makes the channel's name.
    /// None if nobody waits.
    pub reply_to: Option<String>,
    /// What to do.
    #[serde(flatten)]
    pub action: Action,
}

/// What to do.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
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
    /// The fan gives a held booking back.
    Cancel {
        /// Which.
        booking: BookingId,
        /// Whose it must be.
        account: AccountId,
    },
    /// The hold's deadline has passed (the worker checks it by the database's clock).
    Expire {
        /// Which.
        booking: BookingId,
    },
}

/// What a payment provider said about one payment, from a verified webhook or asked for by the reconciler.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
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
