//! The sandbox payment provider: asking it for a payment page, and checking that a webhook is its own.

use std::time::Duration;

use goticket_domain::{Money, PaymentId};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;

use crate::config::PaymentsConfig;
use crate::fault::Fault;

/// The provider's name in our tables.
pub(crate) const PROVIDER: &str = "sandbox";
/// The provider's signature header.
pub(crate) const SIGNATURE_HEADER: &str = "sandbox-signature";
/// How far from our clock a webhook may have been signed.
const TOLERANCE_S: i64 = 300;
/// Signatures of one webhook that are looked at: one per secret during a rotation.
const SIGNATURES_MAX: usize = 8;

/// A payment at the provider.
#[derive(Debug, Deserialize)]
pub(crate) struct ProviderPayment {
    pub(crate) id: String,
    pub(crate) pay_url: String,
}

/// Why a webhook is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SignatureError {
    #[error("must be t=<unix seconds>,v1=<hex>")]
    Malformed,
    #[error("was signed more than {TOLERANCE_S} seconds from now")]
    Stale,
    #[error("does not match the body")]
    Wrong,
}

pub(crate) struct SandboxPayments {
    http: reqwest::Client,
    url: Url,
    api_key: SecretString,
    webhook_secrets: Vec<SecretString>,
    webhook_url: String,
}

impl SandboxPayments {
    /// `webhook_url` is where the provider reaches this gateway.
    pub(crate) fn new(config: &PaymentsConfig, webhook_url: String) -> Result<Self, reqwest::Error> {
        let timeout = config.timeout_ms.millis();
        let http = reqwest::Client::builder()
            .timeout(timeout)
            .connect_timeout(timeout.min(Duration::from_secs(3)))
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let secrets = config.webhook_secret.expose_secret().split(',').map(str::trim).filter(|secret| !secret.is_empty());
        Ok(Self {
            http,
            url: config.url.clone(),
            api_key: config.api_key.clone(),
            webhook_secrets: secrets.map(SecretString::from).collect(),
            webhook_url,
        })
    }

    /// Opens a payment. The idempotency key is our id with what is asked: asking again gives the same one. Another return address, or
    /// another gateway with an address of its own for webhooks, would be another request under the same key, which the provider
    /// refuses: it gets a payment of its own there. Which of them the fan is shown, the caller decides.
    pub(crate) async fn open(
        &self,
        payment: PaymentId,
        amount: Money,
        description: &str,
        return_url: Option<&Url>,
    ) -> Result<ProviderPayment, Fault> {
        let url = self.url.join("/v1/payments").map_err(|error| Fault::Bug(error.to_string()))?;
        let mut body = json!({
            "amount_minor": amount.amount_minor,
            "currency": amount.currency,
            "reference": payment,
            "description": description,
            "webhook_url": self.webhook_url,
        });
        if let Some(return_url) = return_url {
            body["return_url"] = json!(return_url);
        }
        let key = format!("{payment}-{}", hex::encode(&Sha256::digest(body.to_string())[..8]));
        let request = self.http.post(url).bearer_auth(self.api_key.expose_secret());
        let answer = request.header("Idempotency-Key", key).json(&body).send().await.map_err(away)?;
        let status = answer.status();
        if status.is_success() {
            return answer.json().await.map_err(away);
        }
        let text = answer.text().await.unwrap_or_default();
        let cause = format!("{status}: {}", text.chars().take(300).collect::<String>());
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::REQUEST_TIMEOUT {
            Err(Fault::Unavailable { what: "the payment provider", cause })
        } else {
            Err(Fault::Bug(format!("the payment provider refuses: {cause}")))
        }
    }

    /// Whether this could be a signature of what was sent lately.
    #[expect(clippy::unused_self, reason = "each provider has a form of its own")]
    pub(crate) fn well_formed(&self, signature: &str, now: Timestamp) -> Result<(), SignatureError> {
        read(signature, now).map(drop)
    }

    /// Whether the provider signed exactly these bytes, lately.
    pub(crate) fn verify(&self, signature: &str, body: &[u8], now: Timestamp) -> Result<(), SignatureError> {
        let secrets = self.webhook_secrets.iter().map(|secret| secret.expose_secret().as_bytes());
        verify(&secrets.collect::<Vec<_>>(), signature, body, now)
    }
}

fn away(error: reqwest::Error) -> Fault {
    Fault::Unavailable { what: "the payment provider", cause: error.without_url().to_string() }
}

/// `t=<unix seconds>,v1=<hex>[,v1=<hex>…]`, each `HMAC-SHA-256(secret, "<t>.<body>")`. Any one of ours is enough.
fn verify(secrets: &[&[u8]], signature: &str, body: &[u8], now: Timestamp) -> Result<(), SignatureError> {
    let (time, given) = read(signature, now)?;
    let matches = |secret: &[u8], tag: &[u8]| {
        Hmac::<Sha256>::new_from_slice(secret).is_ok_and(|mut mac| {
            mac.update(time.to_string().as_bytes());
            mac.update(b".");
            mac.update(body);
            // In constant time.
            mac.verify_slice(tag).is_ok()
        })
    };
    let known = given.iter().any(|tag| secrets.iter().any(|secret| matches(secret, tag)));
    if known { Ok(()) } else { Err(SignatureError::Wrong) }
}

/// When it was signed, and the tags.
fn read(signature: &str, now: Timestamp) -> Result<(i64, Vec<Vec<u8>>), SignatureError> {
    let mut time: Option<i64> = None;
    let mut given: Vec<Vec<u8>> = Vec::new();
    for part in signature.split(',') {
        match part.trim().split_once('=') {
            Some(("t", text)) if time.is_none() => time = Some(text.parse().map_err(|_| SignatureError::Malformed)?),
            Some(("v1", hex)) => given.push(hex::decode(hex).map_err(|_| SignatureError::Malformed)?),
            // Other versions are for other receivers.
            Some((other, _)) if other != "t" => {}
            _ => return Err(SignatureError::Malformed),
        }
    }
    let time = time.ok_or(SignatureError::Malformed)?;
    if given.is_empty() || given.len() > SIGNATURES_MAX {
        return Err(SignatureError::Malformed);
    }
    if now.as_second().abs_diff(time) > TOLERANCE_S.unsigned_abs() {
        return Err(SignatureError::Stale);
    }
    Ok((time, given))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    /// `printf '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test`
    const TAG: &str = "c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925";

    #[test]
    fn a_webhook_is_believed_if_any_signature_is_ours_and_fresh() {
        let other = "00".repeat(32);
        let rows = [
            (format!("t=1700000000,v1={TAG}"), 0, Ok(())),
            (format!("t=1700000000,v1={other},v1={TAG}"), 0, Ok(())),
            (format!("t=1700000000, v1={TAG}, v0=x"), 0, Ok(())),
            (format!("t=1700000000,v1={TAG}"), 300, Ok(())),
            (format!("t=1700000000,v1={TAG}"), -300, Ok(())),
            (format!("t=1700000000,v1={TAG}"), 301, Err(SignatureError::Stale)),
            (format!("t=1700000000,v1={TAG}"), -301, Err(SignatureError::Stale)),
            (format!("t=1700000001,v1={TAG}"), 0, Err(SignatureError::Wrong)),
            (format!("t=1700000000,v1={other}"), 0, Err(SignatureError::Wrong)),
            (format!("t=1700000000,v1={}", &TAG[2..]), 0, Err(SignatureError::Wrong)),
            (format!("t=1700000000,t=1700000000,v1={TAG}"), 0, Err(SignatureError::Malformed)),
            (format!("v1={TAG}"), 0, Err(SignatureError::Malformed)),
            ("t=1700000000".to_owned(), 0, Err(SignatureError::Malformed)),
            ("t=1700000000,v1=zz".to_owned(), 0, Err(SignatureError::Malformed)),
            (String::new(), 0, Err(SignatureError::Malformed)),
        ];
        for (signature, offset, expected) in rows {
            let now = Timestamp::from_second(1_700_000_000 + offset).unwrap();
            let secrets: [&[u8]; 2] = [b"whsec_old", b"whsec_test"];
            assert_eq!(verify(&secrets, &signature, br#"{"id":"evt_1"}"#, now), expected, "{signature} {offset}");
        }
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        assert_eq!(verify(&[], &format!("t=1700000000,v1={TAG}"), b"", now), Err(SignatureError::Wrong));
    }
}
