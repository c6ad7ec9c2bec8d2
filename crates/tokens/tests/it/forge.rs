//! Makes any JWT one can think of, out of raw parts.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

/// A private key and the key id it goes by.
pub(crate) struct Forge {
    pair: Ed25519KeyPair,
    pub(crate) kid: String,
}

impl Forge {
    pub(crate) fn from_pem(pem: &str, kid: &str) -> Self {
        let der: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        Self { pair: Ed25519KeyPair::from_pkcs8(&STANDARD.decode(der).unwrap()).unwrap(), kid: kid.to_owned() }
    }

    pub(crate) fn stranger() -> Self {
        Self { pair: Ed25519KeyPair::generate().unwrap(), kid: "stranger".to_owned() }
    }

    pub(crate) fn public(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    pub(crate) fn sign_text(&self, header: &str, claims: &str) -> String {
        assemble(header, claims, |message| self.pair.sign(message).as_ref().to_vec())
    }
}

/// The classic: a token MACed with what everybody knows, the public key.
pub(crate) fn hs256(secret: &[u8], header: &Value, claims: &Value) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    assemble(&header.to_string(), &claims.to_string(), |message| hmac::sign(&key, message).as_ref().to_vec())
}

/// No signature at all.
pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    assemble(&header.to_string(), &claims.to_string(), |_| Vec::new())
}

fn assemble(header: &str, claims: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

/// The same token with its signature's bytes changed.
pub(crate) fn with_signature(token: &str, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let (message, signature) = token.rsplit_once('.').unwrap();
    let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    change(&mut signature);
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The same token with other claims under the old signature.
pub(crate) fn with_claims(token: &str, claims: &Value) -> String {
    let mut parts = token.split('.');
    let (header, _, signature) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// Adds the group order to an Ed25519 signature's S: a second signature of the same message to a lax verifier (RFC 8032, 5.1.7).
pub(crate) fn add_group_order(signature: &mut [u8]) {
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0u16;
    for (byte, order) in signature[32..].iter_mut().zip(L) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
}

/// A copy of the object with one member set, or taken out where the value is None.
pub(crate) fn with(object: &Value, member: &str, value: impl Into<Option<Value>>) -> Value {
    let mut object = object.clone();
    let members = object.as_object_mut().unwrap();
    match value.into() {
        Some(value) => members.insert(member.to_owned(), value),
        None => members.remove(member),
    };
    object
}
