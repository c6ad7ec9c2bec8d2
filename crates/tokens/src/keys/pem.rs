//! Ed25519 keys as PEM: PKCS#8 for private ones (RFC 8410; version 1, which the openssl command reads too) and
//! SubjectPublicKeyInfo for public ones.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{DecodingKey, EncodingKey};

use crate::Purpose;
use crate::ring::{PublicKey, SigningKey};

/// Wraps DER in lines of 64 characters (RFC 7468).
pub(super) fn write(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(64));
        let _ = writeln!(pem, "{line}");
        rest = tail;
    }
    let _ = writeln!(pem, "-----END {label}-----");
    pem
}

/// Reads a private key.
pub(super) fn private(purpose: Purpose, pem: &[u8]) -> Option<SigningKey> {
    SigningKey::from_pkcs8(purpose, EncodingKey::from_ed_pem(pem).ok()?.as_bytes())
}

/// Reads a public key. The library takes a certificate's or a private key's first bit string for a key too, so the label and the
/// length are checked here.
pub(super) fn public(pem: &[u8]) -> Option<PublicKey> {
    if !pem.trim_ascii_start().starts_with(b"-----BEGIN PUBLIC KEY-----") {
        return None;
    }
    let x = DecodingKey::from_ed_pem(pem).ok()?.try_get_as_bytes().ok()?.try_into().ok()?;
    Some(PublicKey::new(x))
}
