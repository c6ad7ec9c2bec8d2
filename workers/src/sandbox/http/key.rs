//! The two headers merchants send.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use super::problem::Problem;
use crate::sandbox::server::Sandbox;

/// Longer keys are refused: they are kept as long as the payment.
const KEY_BYTES_MAX: usize = 255;

/// Proof that the caller presented the API key.
pub(in crate::sandbox) struct Merchant;

impl FromRequestParts<Sandbox> for Merchant {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, sandbox: &Sandbox) -> Result<Self, Problem> {
        let presented =
            single(&parts.headers, AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        if presented.as_bytes().ct_eq(sandbox.api_key().expose_secret().as_bytes()).into() {
            Ok(Self)
        } else {
            let detail = "send the API key as Authorization: Bearer <key>";
            Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail))
        }
    }
}

/// `Idempotency-Key`, 1 to 255 visible ASCII characters.
pub(in crate::sandbox) struct IdempotencyKey(pub(in crate::sandbox) String);

impl FromRequestParts<Sandbox> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Sandbox) -> Result<Self, Problem> {
        let key = single(&parts.headers, "idempotency-key").unwrap_or_default();
        if key.is_empty() || key.len() > KEY_BYTES_MAX || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            let detail = format!("send one Idempotency-Key of 1 to {KEY_BYTES_MAX} visible ASCII characters");
            return Err(Problem::new(StatusCode::BAD_REQUEST, "idempotency_key_invalid", detail));
        }
        Ok(Self(key.to_owned()))
    }
}

fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    value.to_str().ok()
}
