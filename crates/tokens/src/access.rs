//! The access token: which account is calling, with which role (the profile of RFC 9068, less `client_id`: the gateway is the
//! only client).

use std::time::Duration;

use goticket_domain::AccountId;
use goticket_domain::identity::Role;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::claims::{ISSUER, Registered, lifetime};
use crate::jws;
use crate::ring::SigningKey;
use crate::{JwksError, KeyRing, Purpose, TokenError};

#[derive(Serialize, Deserialize)]
struct Wire {
    iss: String,
    aud: String,
    sub: AccountId,
    role: Role,
    jti: Uuid,
    iat: i64,
    exp: i64,
}

/// What a verified access token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessClaims {
    /// Who is calling.
    pub account: AccountId,
    /// With which role, as of the token's issue: a change of role takes effect at the next refresh.
    pub role: Role,
    /// The session it is of, whose refresh tokens are a family. Names it, and proves nothing.
    pub family: Uuid,
    /// When it expires, without the leeway. A cache of verified tokens must forget it by then.
    pub expires_at: Timestamp,
}

/// Issues access tokens.
#[derive(Debug, Clone)]
pub struct AccessSigner {
    key: SigningKey,
}

impl AccessSigner {
    pub(crate) fn new(key: SigningKey) -> Self {
        Self { key }
    }

    /// Issues a token for `ttl` from `now`, cut to [`MAX_LIFETIME_SECONDS`](crate::MAX_LIFETIME_SECONDS). `family` is the refresh
    /// family and becomes `jti`: it names the session, not the single token, since only a session can be revoked.
    pub fn issue(&self, account: AccountId, role: Role, family: Uuid, now: Timestamp, ttl: Duration) -> String {
        let ttl = SignedDuration::try_from(ttl).unwrap_or(SignedDuration::MAX);
        let (iat, exp) = lifetime(now, now.checked_add(ttl).unwrap_or(Timestamp::MAX));
        let (iss, aud) = (ISSUER.to_owned(), Purpose::Access.audience().to_owned());
        jws::seal(&self.key, &Wire { iss, aud, sub: account, role, jti: family, iat, exp })
    }

    /// Id of the signing key.
    pub fn kid(&self) -> &str {
        &self.key.public.kid
    }
}

/// Verifies access tokens with public keys only.
#[derive(Debug, Clone)]
pub struct AccessVerifier {
    ring: KeyRing,
}

impl AccessVerifier {
    pub(crate) fn new(ring: KeyRing) -> Self {
        Self { ring }
    }

    /// Takes the access keys out of a published JWKS; keys of other purposes are left aside.
    pub fn from_jwks(jwks: &Value) -> Result<Self, JwksError> {
        KeyRing::from_jwks(jwks, Purpose::Access).map(Self::new)
    }

    /// The keys, to publish with [`jwks`](crate::jwks).
    pub fn keys(&self) -> &KeyRing {
        &self.ring
    }

    /// Checks everything and returns what the token says. Costs 42 µs: worth a bounded cache by the token's hash.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<AccessClaims, TokenError> {
        let Wire { iss, aud, sub, role, jti, iat, exp } = jws::open(token, &self.ring)?;
        let expires_at = Registered { iss: &iss, aud: &aud, iat, exp }.check(Purpose::Access, now)?;
        Ok(AccessClaims { account: sub, role, family: jti, expires_at })
    }
}
