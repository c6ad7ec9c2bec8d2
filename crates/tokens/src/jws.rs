//! Compact JWS with exactly three header fields, `typ`, `alg` and `kid` (RFC 7515; the strictness is RFC 8725's).
//!
//! The header is read here rather than by the JWT library: the library would accept and ignore `crit`, `jwk`, `jku` and `x5u`,
//! judge times by its own clock, and skip whichever claim is absent or of a strange type.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::TokenError;
use crate::ring::{KeyRing, SigningKey};

/// Longest token that is looked at. Ours are under 500 bytes; parsing more is work done for an attacker.
pub const MAX_TOKEN_BYTES: usize = 1024;

/// The only algorithm. Never taken from the token.
const ALGORITHM: &str = "EdDSA";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StrictHeader {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
}

/// Signs claims for the key's purpose.
pub(crate) fn seal<C: Serialize>(key: &SigningKey, claims: &C) -> String {
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(key.purpose.typ().to_owned());
    header.kid = Some(key.public.kid.clone());
    #[expect(clippy::expect_used, reason = "the key was parsed when it was loaded, and claims are plain structs")]
    jsonwebtoken::encode(&header, claims, &key.encoding).expect("a loaded Ed25519 key signs plain claims")
}

/// Checks form, purpose and signature, in this order, and only then reads the claims.
pub(crate) fn open<C: DeserializeOwned>(token: &str, ring: &KeyRing) -> Result<C, TokenError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::Malformed);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (header, payload) = message.split_once('.').ok_or(TokenError::Malformed)?;
    let header: StrictHeader = json(header)?;
    if header.alg != ALGORITHM {
        return Err(TokenError::BadSignature);
    }
    if header.typ.as_deref() != Some(ring.purpose.typ()) {
        return Err(TokenError::WrongPurpose);
    }
    let key = ring.find(&header.kid.ok_or(TokenError::Malformed)?).ok_or(TokenError::UnknownKey)?;
    match jsonwebtoken::crypto::verify(signature, message.as_bytes(), key, Algorithm::EdDSA) {
        Ok(true) => json(payload),
        Ok(false) | Err(_) => Err(TokenError::BadSignature),
    }
}

fn json<T: DeserializeOwned>(part: &str) -> Result<T, TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| TokenError::Malformed)
}
