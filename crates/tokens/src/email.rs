//! The proof that a mail was read: `v1.<payload>.<mac>`, in the link of a verification mail. HMAC-SHA-256, because only our own gateways check
//! it.
//!
//! The payload is of fixed length: account (16 bytes), SHA-256 of the address (32), end in Unix seconds (8, big-endian). `v1` names this
//! layout and is covered by the MAC. An address that was changed meanwhile is not proved by it.

use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use goticket_domain::AccountId;
use goticket_domain::identity::EmailAddress;
use jiff::Timestamp;
use uuid::Uuid;

use crate::TokenError;

const PREFIX: &str = "v1.";
const PAYLOAD_BYTES: usize = 16 + 32 + 8;
const MAC_BYTES: usize = 32;
/// Length of every proof's text.
pub const EMAIL_PROOF_CHARS: usize = PREFIX.len() + (PAYLOAD_BYTES * 4).div_ceil(3) + 1 + (MAC_BYTES * 4).div_ceil(3);

/// Signs and checks proofs. The first key signs; the others did.
#[derive(Clone)]
pub struct EmailProofs {
    signing: Key,
    old: Vec<Key>,
}

/// What a proof says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EmailProof {
    /// Whose address.
    pub account: AccountId,
    address: [u8; 32],
}

impl EmailProof {
    /// Whether it was sent to this address.
    pub fn is_of(&self, email: &EmailAddress) -> bool {
        self.address == sha256(email.as_str().as_bytes())
    }
}

impl EmailProofs {
    /// Keys that follow from these secrets, for this purpose alone.
    pub(crate) fn new(root: &[u8; 32], old: &[[u8; 32]]) -> Self {
        Self::labelled(b"goticket e-mail proof", root, old)
    }

    /// For the purpose that the label names.
    pub(crate) fn labelled(label: &[u8], root: &[u8; 32], old: &[[u8; 32]]) -> Self {
        let key = |root: &[u8; 32]| {
            let derived = hmac::sign(&Key::new(HMAC_SHA256, root), label);
            Key::new(HMAC_SHA256, derived.as_ref())
        };
        Self { signing: key(root), old: old.iter().map(key).collect() }
    }

    /// The proof's text, safe in URLs.
    pub fn sign(&self, account: AccountId, email: &EmailAddress, expires_at: Timestamp) -> String {
        self.sign_digest(account, &sha256(email.as_str().as_bytes()), expires_at)
    }

    pub(crate) fn sign_digest(&self, account: AccountId, digest: &[u8; 32], expires_at: Timestamp) -> String {
        let mut payload = account.0.as_bytes().to_vec();
        payload.extend(digest);
        payload.extend(expires_at.as_second().to_be_bytes());
        let mac = hmac::sign(&self.signing, &covered(&payload));
        format!("{PREFIX}{}.{}", URL_SAFE_NO_PAD.encode(&payload), URL_SAFE_NO_PAD.encode(mac))
    }

    /// Checks form, signature and time, in this order.
    pub fn verify(&self, text: &str, now: Timestamp) -> Result<EmailProof, TokenError> {
        self.open(text, now).map(|(account, address)| EmailProof { account, address })
    }

    pub(crate) fn open(&self, text: &str, now: Timestamp) -> Result<(AccountId, [u8; 32]), TokenError> {
        let (payload, mac) = split(text).ok_or(TokenError::Malformed)?;
        let mut keys = std::iter::once(&self.signing).chain(&self.old);
        if !keys.any(|key| hmac::verify(key, &covered(&payload), &mac).is_ok()) {
            return Err(TokenError::BadSignature);
        }
        let (account, rest) = payload.split_first_chunk::<16>().ok_or(TokenError::Malformed)?;
        let (address, rest) = rest.split_first_chunk::<32>().ok_or(TokenError::Malformed)?;
        let expires_s = i64::from_be_bytes(*rest.first_chunk().ok_or(TokenError::Malformed)?);
        if now.as_second() >= expires_s {
            let at = Timestamp::from_second(expires_s).map_err(|_| TokenError::Malformed)?;
            return Err(TokenError::Expired { at });
        }
        Ok((AccountId(Uuid::from_bytes(*account)), *address))
    }
}

impl std::fmt::Debug for EmailProofs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmailProofs").field("old", &self.old.len()).finish_non_exhaustive()
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let mut out = [0; 32];
    out.copy_from_slice(digest.as_ref());
    out
}

fn covered(payload: &[u8]) -> Vec<u8> {
    [PREFIX.as_bytes(), payload].concat()
}

/// Cuts a text of exactly the right length into payload and MAC.
fn split(text: &str) -> Option<([u8; PAYLOAD_BYTES], [u8; MAC_BYTES])> {
    if text.len() != EMAIL_PROOF_CHARS {
        return None;
    }
    let (payload, mac) = text.strip_prefix(PREFIX)?.split_once('.')?;
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?.try_into().ok()?;
    let mac = URL_SAFE_NO_PAD.decode(mac).ok()?.try_into().ok()?;
    Some((payload, mac))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: AccountId = AccountId(Uuid::from_u128(7));
    const ENDS_S: i64 = 1_700_000_000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn email(text: &str) -> EmailAddress {
        EmailAddress::parse(text).unwrap()
    }

    #[test]
    fn a_proof_is_of_one_account_and_address_until_it_expires() {
        let proofs = EmailProofs::new(&[1; 32], &[]);
        let text = proofs.sign(ACCOUNT, &email("a@b.example"), at(ENDS_S));
        assert_eq!(text.len(), EMAIL_PROOF_CHARS);
        let proof = proofs.verify(&text, at(ENDS_S - 1)).unwrap();
        assert_eq!(proof.account, ACCOUNT);
        assert!(proof.is_of(&email("A@B.example")) && !proof.is_of(&email("a@c.example")));
        let rotated = EmailProofs::new(&[2; 32], &[[1; 32]]);
        let rows = [
            ("in time", &proofs, text.clone(), ENDS_S - 1, Ok(proof)),
            ("by a key from before", &rotated, text.clone(), ENDS_S - 1, Ok(proof)),
            ("too late", &proofs, text.clone(), ENDS_S, Err(TokenError::Expired { at: at(ENDS_S) })),
            ("by another key", &EmailProofs::new(&[2; 32], &[]), text.clone(), 0, Err(TokenError::BadSignature)),
            ("cut", &proofs, text[1..].to_owned(), 0, Err(TokenError::Malformed)),
            ("of another layout", &proofs, text.replacen("v1", "v2", 1), 0, Err(TokenError::Malformed)),
            ("changed", &proofs, text.replacen("v1.A", "v1.B", 1), 0, Err(TokenError::BadSignature)),
            ("nothing", &proofs, String::new(), 0, Err(TokenError::Malformed)),
        ];
        for (what, proofs, text, now, expected) in rows {
            assert_eq!(proofs.verify(&text, at(now)), expected, "{what}");
        }
    }
}
