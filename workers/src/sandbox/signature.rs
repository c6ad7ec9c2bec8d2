//! How a receiver knows that a webhook is ours, and fresh.
//!
//! Header `Sandbox-Signature: t=<unix seconds>,v1=<hex>[,v1=<hex>]`, where each hex is
//! `HMAC-SHA-256(secret, "<t>.<raw body>")`. Several `v1` stand there while a secret is being changed, one per secret: a receiver
//! takes the webhook if any of them matches its own. Every delivery is signed again, so a receiver refuses a `t` more
//! than five minutes from its own clock ([`TOLERANCE_S`]); and it verifies the bytes it received, before parsing them.
//!
//! Only the signing half is here: whoever receives must not need our code to verify.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// The header's name.
pub const HEADER: &str = "sandbox-signature";
/// How far from its own clock a receiver accepts the time in a signature.
pub const TOLERANCE_S: u64 = 300;

/// The header's value for `body`, signed at `at` with each of `secrets`.
pub fn sign<'a>(secrets: impl IntoIterator<Item = &'a SecretString>, at: Timestamp, body: &[u8]) -> String {
    let time = at.as_second();
    let mut header = format!("t={time}");
    for secret in secrets {
        header.push_str(",v1=");
        header.push_str(&hex::encode(mac(secret, time, body)));
    }
    header
}

#[expect(clippy::expect_used, reason = "HMAC pads or hashes a key to its block's size")]
fn mac(secret: &SecretString, time: i64, body: &[u8]) -> impl AsRef<[u8]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).expect("a key of any length");
    mac.update(time.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.finalize().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_what_openssl_says() {
        // printf '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test
        let old: SecretString = "whsec_old".into();
        let new: SecretString = "whsec_test".into();
        let at = Timestamp::from_second(1_700_000_000).unwrap();
        let header = sign([&new, &old], at, br#"{"id":"evt_1"}"#);
        let expected = [
            "t=1700000000",
            "v1=c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925",
            "v1=ef1b1b7e4b312671a75ef2a03e10529f7834a6528a49db77ad6568c8c8017843",
        ];
        assert_eq!(header, expected.join(","));
    }
}
