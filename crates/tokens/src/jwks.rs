//! Public keys as a JWK Set (RFC 7517, RFC 8037), to publish and to read back.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::ring::PublicKey;
use crate::{KeyRing, Purpose};

/// Most keys read from a set: a signing key and a few old ones per purpose.
pub const MAX_JWKS_KEYS: usize = 32;

/// Why a JWK Set is no source of keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    /// Not an object with an array `keys`.
    #[error("not a JWK set: expected an object with an array \"keys\" of at most {MAX_JWKS_KEYS} keys")]
    Malformed,
    /// A key that claims our purpose is not an Ed25519 key under its own thumbprint.
    #[error("key {index} of the JWK set is no Ed25519 key with its RFC 7638 thumbprint as kid")]
    BadKey {
        /// Its index in the set.
        index: usize,
    },
    /// No key for the purpose asked for.
    #[error("the JWK set has no key for this purpose")]
    NoKey,
}

/// The JWK Set of several rings. The private member `purpose` tells our own verifiers which key signs what; others ignore it and
/// must check `typ` and `aud`.
pub fn jwks(rings: &[&KeyRing]) -> Value {
    let keys = rings.iter().flat_map(|ring| ring.keys.iter().map(|key| jwk(ring.purpose, key)));
    json!({ "keys": keys.collect::<Vec<_>>() })
}

fn jwk(purpose: Purpose, key: &PublicKey) -> Value {
    let x = URL_SAFE_NO_PAD.encode(key.x);
    json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": key.kid, "x": x, "purpose": purpose.name() })
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    alg: String,
    #[serde(rename = "use")]
    usage: String,
    kid: String,
    x: String,
}

impl Jwk {
    fn into_key(self) -> Option<PublicKey> {
        if (self.kty.as_str(), self.crv.as_str(), self.alg.as_str(), self.usage.as_str()) != ("OKP", "Ed25519", "EdDSA", "sig") {
            return None;
        }
        let x = URL_SAFE_NO_PAD.decode(&self.x).ok()?.try_into().ok()?;
        Some(PublicKey::new(x)).filter(|key| key.kid == self.kid)
    }
}

impl KeyRing {
    /// The keys of one purpose in a JWK Set. Keys that don't name this purpose are left aside (RFC 7517, section 5).
    pub fn from_jwks(jwks: &Value, purpose: Purpose) -> Result<Self, JwksError> {
        let all = jwks.get("keys").and_then(Value::as_array).ok_or(JwksError::Malformed)?;
        if all.len() > MAX_JWKS_KEYS {
            return Err(JwksError::Malformed);
        }
        let ours = all.iter().enumerate().filter(|(_, jwk)| jwk.get("purpose").and_then(Value::as_str) == Some(purpose.name()));
        let keys = ours.map(|(index, jwk)| Jwk::deserialize(jwk).ok().and_then(Jwk::into_key).ok_or(JwksError::BadKey { index }));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() { Err(JwksError::NoKey) } else { Ok(Self::new(purpose, keys)) }
    }
}
