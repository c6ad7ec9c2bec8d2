//! What a fan asks for: seats of one section, under an idempotency key.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::SeatChoice;
use crate::{AccountId, BookingId, EventId, SectionNo};

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

/// A request on its way to the owner of the event's lane.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BookingRequest {
    /// The id the booking gets if this request is the one that decides its key.
    pub booking: BookingId,
    /// Which event.
    pub event: EventId,
    /// Which section of it; every seat of a booking lies in one section.
    pub section: SectionNo,
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
    pub fn hash(event: EventId, section: SectionNo, choice: &SeatChoice) -> PayloadHash {
        let mut sha = Sha256::new().chain_update(event.0.as_bytes()).chain_update(section.0.to_be_bytes());
        match choice {
            SeatChoice::Named(named) => {
                sha.update([0]);
                for seat in named.as_slice() {
                    sha.update(seat.0.to_be_bytes());
                }
            }
            SeatChoice::BestAvailable(best) => {
                sha.update([1, best.quantity(), u8::from(best.category().is_some())]);
                sha.update(best.category().unwrap_or_default().0.to_be_bytes());
            }
        }
        PayloadHash(sha.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use uuid::Uuid;

    use super::*;
    use crate::{CategoryNo, SeatNo};

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
    fn the_hash_tells_different_requests_apart() {
        let event = EventId(Uuid::nil());
        let best = |quantity, category: Option<u16>| SeatChoice::best_available(quantity, category.map(CategoryNo)).unwrap();
        let named = SeatChoice::named(vec![SeatNo(2)]).unwrap();
        let (zero, one) = (SectionNo(0), SectionNo(1));
        let hashes = [
            BookingRequest::hash(event, zero, &best(2, None)),
            BookingRequest::hash(event, one, &best(2, None)),
            BookingRequest::hash(event, zero, &best(3, None)),
            BookingRequest::hash(event, zero, &best(2, Some(0))),
            BookingRequest::hash(event, zero, &named),
            BookingRequest::hash(EventId(Uuid::max()), zero, &best(2, None)),
        ];
        for (i, a) in hashes.iter().enumerate() {
            for b in &hashes[i + 1..] {
                assert_ne!(a, b);
            }
        }
    }
}
