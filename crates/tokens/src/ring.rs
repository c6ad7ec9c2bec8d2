//! Keys by purpose: one that signs, any number that verify, told apart by key id.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey};

use crate::claims::{ENTRY_LEEWAY_SECONDS, LEEWAY_SECONDS};

/// What a key signs. Each purpose has keys of its own, so that losing one key is not losing all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// Who is calling the API.
    Access,
    /// Who may book at an event.
    Entry,
}

impl Purpose {
    /// Value of the `typ` header (RFC 8725, section 3.11: explicit typing).
    pub(crate) fn typ(self) -> &'static str {
        match self {
            Self::Access => "at+jwt",
            Self::Entry => "entry+jwt",
        }
    }

    /// Value of the `aud` claim.
    pub(crate) fn audience(self) -> &'static str {
        match self {
            Self::Access => "goticket-api",
            Self::Entry => "goticket-entry",
        }
    }

    /// How long after its end a token still passes.
    pub(crate) fn leeway_seconds(self) -> i64 {
        match self {
            Self::Access => LEEWAY_SECONDS,
            Self::Entry => ENTRY_LEEWAY_SECONDS,
        }
    }

    /// Its name in key files and in the JWKS.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Entry => "entry",
        }
    }
}

/// A public Ed25519 key and its id.
#[derive(Clone)]
pub(crate) struct PublicKey {
    pub(crate) kid: String,
    pub(crate) x: [u8; 32],
    pub(crate) decoding: DecodingKey,
}

impl PublicKey {
    pub(crate) fn new(x: [u8; 32]) -> Self {
        Self { kid: key_id(&x), x, decoding: DecodingKey::from_ed_der(&x) }
    }
}

/// Characters of a key id: 96 bits of the hash, far more than a ring of a few keys needs.
const KID_CHARS: usize = 16;

/// The JWK thumbprint (RFC 7638, section 3) of an Ed25519 key, cut to [`KID_CHARS`].
fn key_id(x: &[u8; 32]) -> String {
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, URL_SAFE_NO_PAD.encode(x));
    let mut kid = URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()));
    kid.truncate(KID_CHARS);
    kid
}

/// The keys that verify tokens of one purpose: the current one and those still out there after a rotation.
#[derive(Clone)]
pub struct KeyRing {
    pub(crate) purpose: Purpose,
    pub(crate) keys: Vec<PublicKey>,
}

impl KeyRing {
    pub(crate) fn new(purpose: Purpose, mut keys: Vec<PublicKey>) -> Self {
        let mut seen = std::collections::HashSet::new();
        keys.retain(|key| seen.insert(key.kid.clone()));
        Self { purpose, keys }
    }

    /// Ids of the keys, the current one first.
    pub fn kids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.kid.as_str())
    }

    pub(crate) fn find(&self, kid: &str) -> Option<&DecodingKey> {
        self.keys.iter().find(|key| key.kid == kid).map(|key| &key.decoding)
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing")
            .field("purpose", &self.purpose)
            .field("kids", &self.kids().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// The private key that signs tokens of one purpose.
#[derive(Clone)]
pub(crate) struct SigningKey {
    pub(crate) purpose: Purpose,
    pub(crate) public: PublicKey,
    pub(crate) encoding: EncodingKey,
}

impl SigningKey {
    /// Reads a PKCS#8 document, version 1 or 2; None if it holds no Ed25519 key.
    pub(crate) fn from_pkcs8(purpose: Purpose, pkcs8: &[u8]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).ok()?;
        let public = PublicKey::new(pair.public_key().as_ref().try_into().ok()?);
        Some(Self { purpose, public, encoding: EncodingKey::from_ed_der(pkcs8) })
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("purpose", &self.purpose).field("kid", &self.public.kid).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 8037, appendix A.3, and its thumbprint there.
    #[test]
    fn a_key_id_is_the_start_of_the_rfc_7638_thumbprint() {
        let mut x = [0; 32];
        let len = URL_SAFE_NO_PAD.decode_slice("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", &mut x);
        assert_eq!(len, Ok(32));
        assert!("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k".starts_with(&key_id(&x)));
    }
}
