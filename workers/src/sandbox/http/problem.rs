//! Errors as RFC 9457 problem details.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::sandbox::ledger::Refusal;

/// What went wrong, for the merchant or the fan to put right.
#[derive(Debug)]
pub(in crate::sandbox) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    /// The payment's status, where it explains the answer.
    payment: Option<Value>,
}

impl Problem {
    pub(in crate::sandbox) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), payment: None }
    }

    pub(in crate::sandbox) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", detail)
    }

    /// The webhook queue is full: nothing was done, and trying again later is right.
    pub(in crate::sandbox) fn busy() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "too many webhooks are waiting to be delivered")
    }

    pub(in crate::sandbox) fn with_payment(self, payment: Value) -> Self {
        Self { payment: Some(payment), ..self }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (status, code) = match refusal {
            Refusal::Unknown => (StatusCode::NOT_FOUND, "not_found"),
            Refusal::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
            Refusal::Full => (StatusCode::SERVICE_UNAVAILABLE, "full"),
            Refusal::TooManyDeclines => (StatusCode::TOO_MANY_REQUESTS, "too_many_declines"),
            Refusal::NotPaid => (StatusCode::CONFLICT, "not_paid"),
            Refusal::TooMuch { .. } => (StatusCode::CONFLICT, "refund_too_large"),
        };
        Self::new(status, code, refusal.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": format!("/problems/{}", self.code),
            "title": self.status.canonical_reason().unwrap_or_default(),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
        });
        if let Some(payment) = self.payment {
            body["payment"] = payment;
        }
        let media_type = [(CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status, media_type, body.to_string()).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}
