//! Who calls: access tokens, verified once and then remembered by their hash until they expire.

use goticket_tokens::{AccessClaims, AccessVerifier, LEEWAY_SECONDS, TokenError};
use jiff::Timestamp;
use moka::sync::Cache;
use sha2::{Digest, Sha256};

/// Tokens remembered, about 150 bytes each. Beyond it the least used are verified again.
const TOKENS_MAX: u64 = 200_000;

/// Verified tokens by SHA-256. Only good tokens are in it, so nobody can push others out with forged ones.
pub(crate) struct AccessCache {
    verifier: AccessVerifier,
    known: Cache<[u8; 32], AccessClaims>,
}

impl AccessCache {
    pub(crate) fn new(verifier: AccessVerifier) -> Self {
        Self { verifier, known: Cache::new(TOKENS_MAX) }
    }

    /// What the token says, if it is good now.
    pub(crate) fn verify(&self, token: &str, now: Timestamp) -> Result<AccessClaims, TokenError> {
        let hash: [u8; 32] = Sha256::digest(token).into();
        if let Some(claims) = self.known.get(&hash)
            && now.as_second() < claims.expires_at.as_second() + LEEWAY_SECONDS
        {
            return Ok(claims);
        }
        match self.verifier.verify(token, now) {
            Ok(claims) => {
                self.known.insert(hash, claims.clone());
                Ok(claims)
            }
            Err(error) => {
                self.known.invalidate(&hash);
                Err(error)
            }
        }
    }
}
