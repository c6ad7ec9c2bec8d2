//! What a fan asks for: seats of one section, under an idempotency key.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{AccountId, BookingId, EventId};

/// Most seats in one booking: beyond it one order could empty a row.
pub const MAX_SEATS_PER_BOOKING: usize = 10;

/// What the client names its request with (`Idempotency-Key` header): a repetition gets the stored outcome.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IdempotencyKey(String);

/// A key that is empty, too long or not printable ASCII.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("must be 1 to {max} printable ASCII characters without spaces", max = IdempotencyKey::MAX_BYTES)]
pub struct IdempotencyKeyError;

impl IdempotencyKey {
    /// Longest key, in bytes; UUIDs and ULIDs fit with room to spare.
    pub const MAX_BYTES: usize = 64;

    /// Parses the header's value.
    pub fn parse(text: &str) -> Result<Self, IdempotencyKeyError> {
        let fits = (1..=Self::MAX_BYTES).contains(&text.len());
        if fits && text.bytes().all(|b| b.is_ascii_graphic()) { Ok(Self(text.to_owned())) } else { Err(IdempotencyKeyError) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for IdempotencyKey {
    type Error = IdempotencyKeyError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<IdempotencyKey> for String {
    fn from(key: IdempotencyKey) -> Self {
        key.0
    }
}

/// SHA-256 of what a request asks for: the same key with another hash is refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PayloadHash(pub [u8; 32]);

impl TryFrom<String> for PayloadHash {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(&text, &mut bytes).map_err(|_| "a payload hash is 64 hexadecimal characters")?;
        Ok(Self(bytes))
    }
}

impl From<PayloadHash> for String {
    fn from(hash: PayloadHash) -> Self {
        hex::encode(hash.0)
    }
}

impl fmt::Debug for PayloadHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// Which seats.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum SeatChoice {
    /// Exactly these, in ascending order without repetition.
    Named {
        /// Seat numbers within the event.
        seats: Vec<u32>,
    },
    /// So many of the section, side by side, the best there are; in a standing section simply so many.
    BestAvailable {
        /// How many, 1 to [`MAX_SEATS_PER_BOOKING`].
        quantity: u8,
        /// Only of this price category.
        category: Option<u16>,
    },
}

/// A choice that asks for nothing, too much, or one seat twice.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SeatChoiceError {
    /// Zero or more than [`MAX_SEATS_PER_BOOKING`].
    #[error("must ask for 1 to {MAX_SEATS_PER_BOOKING} seats")]
    Quantity,
    /// The same seat named twice.
    #[error("names seat {0} twice")]
    Repeated(u32),
}

impl SeatChoice {
    /// These seats; sorts them.
    pub fn named(mut seats: Vec<u32>) -> Result<Self, SeatChoiceError> {
        if !(1..=MAX_SEATS_PER_BOOKING).contains(&seats.len()) {
            return Err(SeatChoiceError::Quantity);
        }
        seats.sort_unstable();
        match seats.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(SeatChoiceError::Repeated(pair[0])),
            None => Ok(Self::Named { seats }),
        }
    }

    /// The best `quantity` seats.
    pub fn best_available(quantity: u32, category: Option<u16>) -> Result<Self, SeatChoiceError> {
        match u8::try_from(quantity) {
            Ok(quantity) if (1..=MAX_SEATS_PER_BOOKING).contains(&usize::from(quantity)) => {
                Ok(Self::BestAvailable { quantity, category })
            }
            _ => Err(SeatChoiceError::Quantity),
        }
    }

    /// How many seats are asked for.
    pub fn quantity(&self) -> u32 {
        match self {
            Self::Named { seats } => u32::try_from(seats.len()).unwrap_or(u32::MAX),
            Self::BestAvailable { quantity, .. } => u32::from(*quantity),
        }
    }
}

/// A request on its way to the section's one writer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BookingRequest {
    /// The id the booking gets if this request is the one that decides its key.
    pub booking: BookingId,
    /// Which event.
    pub event: EventId,
    /// Which section of it; every seat of a booking lies in one section.
    pub section: u16,
    /// Who asks.
    pub account: AccountId,
    /// Under which key.
    pub key: IdempotencyKey,
    /// Hash of event, section and choice.
    pub payload_hash: PayloadHash,
    /// Which seats.
    pub choice: SeatChoice,
}

impl BookingRequest {
    /// Hash of what is asked for, independent of spelling: same event, section and choice, same hash.
    pub fn hash(event: EventId, section: u16, choice: &SeatChoice) -> PayloadHash {
        let mut sha = Sha256::new().chain_update(event.0.as_bytes()).chain_update(section.to_be_bytes());
        match choice {
            SeatChoice::Named { seats } => {
                sha.update([0]);
                for seat in seats {
                    sha.update(seat.to_be_bytes());
                }
            }
            SeatChoice::BestAvailable { quantity, category } => {
                sha.update([1, *quantity, u8::from(category.is_some())]);
                sha.update(category.unwrap_or(0).to_be_bytes());
            }
        }
        PayloadHash(sha.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn choices_are_limited_at_both_ends() {
        let eleven: Vec<u32> = (0..11).collect();
        assert_eq!(SeatChoice::named(vec![]), Err(SeatChoiceError::Quantity));
        assert_eq!(SeatChoice::named(eleven.clone()), Err(SeatChoiceError::Quantity));
        assert!(SeatChoice::named(eleven[..10].to_vec()).is_ok());
        assert_eq!(SeatChoice::named(vec![3, 1, 3]), Err(SeatChoiceError::Repeated(3)));
        assert_eq!(SeatChoice::named(vec![3, 1]), Ok(SeatChoice::Named { seats: vec![1, 3] }));
        for (quantity, allowed) in [(0, false), (1, true), (10, true), (11, false), (256, false), (257, false)] {
            assert_eq!(SeatChoice::best_available(quantity, None).is_ok(), allowed, "{quantity}");
        }
    }

    #[test]
    fn keys_are_limited_at_both_ends() {
        let (edge, beyond) = ("k".repeat(64), "k".repeat(65));
        for (text, allowed) in
            [("", false), ("a", true), (&edge, true), (&beyond, false), ("a b", false), ("ü", false), ("a\n", false)]
        {
            assert_eq!(IdempotencyKey::parse(text).is_ok(), allowed, "{text:?}");
        }
    }

    #[test]
    fn the_hash_tells_different_wishes_apart() {
        let event = EventId(Uuid::nil());
        let best = |quantity, category| SeatChoice::BestAvailable { quantity, category };
        let hashes = [
            BookingRequest::hash(event, 0, &best(2, None)),
            BookingRequest::hash(event, 1, &best(2, None)),
            BookingRequest::hash(event, 0, &best(3, None)),
            BookingRequest::hash(event, 0, &best(2, Some(0))),
            BookingRequest::hash(event, 0, &SeatChoice::Named { seats: vec![2] }),
            BookingRequest::hash(EventId(Uuid::max()), 0, &best(2, None)),
        ];
        for (i, a) in hashes.iter().enumerate() {
            for b in &hashes[i + 1..] {
                assert_ne!(a, b);
            }
        }
    }
}
