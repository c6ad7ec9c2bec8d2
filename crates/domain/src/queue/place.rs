//! A place in line: who holds it, and the score that orders it.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::{AccountId, EventId};

/// `HMAC-SHA-256(event key, account id)`, cut to 16 bytes: deterministic, so that one account has one place without a look-up
/// table, and pseudonymous, so that it may be published.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlaceId(pub [u8; 16]);

impl PlaceId {
    /// The only place this account can have at the event whose key this is.
    pub fn of(event_key: &[u8; 32], account: AccountId) -> Self {
        Self(first_16(hmac(event_key, account.0.as_bytes())))
    }

    /// Lower-case hexadecimal, 32 characters: the form in Redis, tokens and JSON.
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }

    /// Reads [`Self::to_hex`] back.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

impl fmt::Debug for PlaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlaceId({})", self.to_hex())
    }
}

impl Serialize for PlaceId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.to_hex())
    }
}

impl<'de> Deserialize<'de> for PlaceId {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::from_hex(&text).ok_or_else(|| serde::de::Error::custom("a place id is 32 hexadecimal characters"))
    }
}

/// Which side of the start a place was taken on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PlaceKind {
    /// Joined before the start: the draw orders it.
    Lobby,
    /// The same, after the draw.
    Drawn {
        /// How many were drawn before it.
        rank: u64,
    },
    /// Joined after the start: first come, first served.
    Late {
        /// Entries in the room's log before the one that took it.
        sequence: u64,
    },
    /// The turn passed, and the fan came back: it comes once more, ahead of those who wait.
    Deferred {
        /// Entries in the room's log before the one that says so.
        sequence: u64,
    },
}

/// Position key of a place: lower is nearer the front. Below 2^53, so it is exact as a Redis score (an IEEE 754 double).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Score(u64);

/// First score behind every lobby place.
const LATE_BASE: u64 = 1 << 52;
/// First score of a deferred place. They stand in a line of their own: their scores are compared with each other only.
const DEFERRED_BASE: u64 = 1 << 51;

impl Score {
    /// Scores are below this.
    pub const END: u64 = 1 << 53;

    /// Score of the lobby place before which so many were drawn. None beyond 2^51, which no lobby reaches.
    pub fn drawn(rank: u64) -> Option<Self> {
        (rank < DEFERRED_BASE).then_some(Self(rank))
    }

    /// Score of the place that was deferred by the entry with this number. None beyond 2^51.
    pub fn deferred(sequence: u64) -> Option<Self> {
        (sequence < DEFERRED_BASE).then_some(Self(DEFERRED_BASE + sequence))
    }

    /// Score of the place with this running number. None beyond 2^52 places, which no room reaches.
    pub fn late(sequence: u64) -> Option<Self> {
        (sequence < LATE_BASE).then_some(Self(LATE_BASE + sequence))
    }

    /// Reads a stored score; None if it is not below 2^53.
    pub fn from_u64(value: u64) -> Option<Self> {
        (value < Self::END).then_some(Self(value))
    }

    /// The number.
    pub fn as_u64(self) -> u64 {
        self.0
    }

    /// How the holder of this score came to it.
    pub fn kind(self) -> PlaceKind {
        match self.0 {
            LATE_BASE.. => PlaceKind::Late { sequence: self.0 - LATE_BASE },
            DEFERRED_BASE.. => PlaceKind::Deferred { sequence: self.0 - DEFERRED_BASE },
            rank => PlaceKind::Drawn { rank },
        }
    }
}

/// What the fan holds: signed by the waiting room, it survives refresh, device change and the loss of Redis.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PlaceTicket {
    /// Whose place.
    pub place: PlaceId,
    /// Where.
    pub event: EventId,
    /// The account it is bound to.
    pub account: AccountId,
    /// Lobby, rank or sequence number.
    pub kind: PlaceKind,
    /// When it was signed, in Unix milliseconds.
    pub issued_at_ms: i64,
}

impl PlaceTicket {
    /// The score of this place; None for a ticket from before its draw.
    pub fn score(&self) -> Option<Score> {
        match self.kind {
            PlaceKind::Lobby => None,
            PlaceKind::Drawn { rank } => Score::drawn(rank),
            PlaceKind::Late { sequence } => Score::late(sequence),
            PlaceKind::Deferred { sequence } => Score::deferred(sequence),
        }
    }
}

pub(super) fn hmac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    keyed(key)(message)
}

/// HMAC with this key, of one message after the other: the key is taken in once, which is half of the work.
pub(super) fn keyed(key: &[u8; 32]) -> impl Fn(&[u8]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let keyed = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    move |message| {
        let mut mac = keyed.clone();
        mac.update(message);
        mac.finalize().into_bytes().into()
    }
}

fn first_16(bytes: [u8; 32]) -> [u8; 16] {
    let mut out = [0; 16];
    out.copy_from_slice(&bytes[..16]);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn one_account_has_one_place_per_event() {
        let account = AccountId(Uuid::from_u128(7));
        assert_eq!(PlaceId::of(&[1; 32], account), PlaceId::of(&[1; 32], account));
        assert_ne!(PlaceId::of(&[1; 32], account), PlaceId::of(&[2; 32], account));
        assert_ne!(PlaceId::of(&[1; 32], account), PlaceId::of(&[1; 32], AccountId(Uuid::from_u128(8))));
    }

    #[test]
    fn late_places_stand_behind_every_lobby_place_at_the_edges() {
        assert_eq!(Score::late(0).map(Score::as_u64), Some(1 << 52));
        assert_eq!(Score::late((1 << 52) - 1).map(Score::as_u64), Some((1 << 53) - 1));
        assert_eq!(Score::late(1 << 52), None);
        assert_eq!(Score::drawn((1 << 51) - 1).map(Score::as_u64), Some((1 << 51) - 1));
        assert_eq!(Score::drawn(1 << 51), None);
        assert_eq!(Score::deferred(0).map(Score::as_u64), Some(1 << 51));
        assert_eq!(Score::deferred((1 << 51) - 1).map(Score::as_u64), Some((1 << 52) - 1));
        assert_eq!(Score::deferred(1 << 51), None);
        assert_eq!(Score::from_u64(1 << 53), None);
    }

    proptest! {
        #[test]
        fn scores_are_exact_doubles_and_lobby_places_come_first(rank in 0_u64..(1 << 51), sequence in 0_u64..(1 << 52)) {
            let drawn = Score::drawn(rank).unwrap();
            let late = Score::late(sequence).unwrap();
            prop_assert!(drawn < late);
            let deferred = Score::deferred(rank).unwrap();
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the property under test")]
            for score in [drawn, late, deferred] {
                prop_assert_eq!((score.as_u64() as f64) as u64, score.as_u64());
            }
            prop_assert_eq!(drawn.kind(), PlaceKind::Drawn { rank });
            prop_assert_eq!(deferred.kind(), PlaceKind::Deferred { sequence: rank });
            prop_assert_eq!(late.kind(), PlaceKind::Late { sequence });
        }

        #[test]
        fn place_ids_round_trip_through_hex(bytes: [u8; 16]) {
            prop_assert_eq!(PlaceId::from_hex(&PlaceId(bytes).to_hex()), Some(PlaceId(bytes)));
        }
    }
}
