//! Paying: where one attempt to pay stands.

use serde::{Deserialize, Serialize};

/// One attempt to pay for a booking.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// The provider shows its payment page; nothing is decided.
    Open,
    /// Paid, and the seats are the fan's.
    Paid,
    /// The provider said no. The fan may try again while the hold lasts.
    Declined,
    /// Paid, but the seats could not be given: the money must go back.
    RefundDue,
    /// The provider confirmed that the money went back.
    Refunded,
    /// Paid with another amount or currency than asked: held for a person to look at.
    Review,
}

impl PaymentState {
    /// The name used in tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Declined => "declined",
            Self::RefundDue => "refund_due",
            Self::Refunded => "refunded",
            Self::Review => "review",
        }
    }
}

impl std::str::FromStr for PaymentState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Open, Self::Paid, Self::Declined, Self::RefundDue, Self::Refunded, Self::Review]
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or_else(|| format!("unknown payment state {text:?}"))
    }
}
