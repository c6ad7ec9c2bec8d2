//! `POST /v1/payments`

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use url::Url;

use super::key::{IdempotencyKey, Merchant};
use super::problem::Problem;
use crate::sandbox::payment::PaymentRequest;
use crate::sandbox::server::Sandbox;

/// What a card network takes at most is far less.
const AMOUNT_MINOR_MAX: i64 = 1_000_000_000_000;
const REFERENCE_CHARS_MAX: usize = 200;
const DESCRIPTION_CHARS_MAX: usize = 500;
const URL_BYTES_MAX: usize = 2_000;

pub(in crate::sandbox) async fn create(
    _: Merchant,
    IdempotencyKey(key): IdempotencyKey,
    State(sandbox): State<Sandbox>,
    body: Result<Json<PaymentRequest>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(request) = body.map_err(unreadable)?;
    check(&request).map_err(Problem::invalid)?;
    let payment = sandbox.ledger().create(&key, request, sandbox.now())?;
    Ok((StatusCode::CREATED, Json(payment.view(sandbox.public_url()))).into_response())
}

#[expect(clippy::needless_pass_by_value, reason = "stands in map_err")]
pub(super) fn unreadable(rejection: JsonRejection) -> Problem {
    let code = if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE { "too_large" } else { "invalid_request" };
    Problem::new(rejection.status(), code, rejection.body_text())
}

fn check(request: &PaymentRequest) -> Result<(), String> {
    if !(1..=AMOUNT_MINOR_MAX).contains(&request.amount_minor) {
        return Err(format!("amount_minor must be 1 to {AMOUNT_MINOR_MAX}"));
    }
    if request.reference.is_empty() || request.reference.chars().count() > REFERENCE_CHARS_MAX {
        return Err(format!("reference must have 1 to {REFERENCE_CHARS_MAX} characters"));
    }
    if request.description.chars().count() > DESCRIPTION_CHARS_MAX {
        return Err(format!("description must have at most {DESCRIPTION_CHARS_MAX} characters"));
    }
    let web = |url: &Url| matches!(url.scheme(), "http" | "https") && url.as_str().len() <= URL_BYTES_MAX;
    if !web(&request.webhook_url) {
        return Err("webhook_url must be an http or https URL".to_owned());
    }
    if request.return_url.as_ref().is_some_and(|url| !web(url)) {
        return Err("return_url must be an http or https URL".to_owned());
    }
    Ok(())
}
