//! `POST /v1/payments/{id}/refunds`

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::create::unreadable;
use super::key::{IdempotencyKey, Merchant};
use super::problem::Problem;
use crate::sandbox::ledger::Refunding;
use crate::sandbox::server::Sandbox;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sandbox) struct RefundRequest {
    /// All that is left, when missing.
    #[serde(default)]
    amount_minor: Option<i64>,
}

pub(in crate::sandbox) async fn refund(
    _: Merchant,
    IdempotencyKey(key): IdempotencyKey,
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    body: Result<Json<RefundRequest>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(request) = body.map_err(unreadable)?;
    let room = sandbox.postman().reserve(1).ok_or_else(Problem::busy)?;
    let refunding = sandbox.ledger().refund(&id, &key, request.amount_minor, sandbox.now())?;
    let refund = match refunding {
        Refunding::Already(refund) => refund,
        Refunding::New { refund, event, webhook_url } => {
            sandbox.postman().deliver(room, &webhook_url, &event, Duration::ZERO);
            refund
        }
    };
    let view = json!({
        "id": refund.id, "payment": id, "amount_minor": refund.amount_minor, "status": "refunded",
    });
    Ok((StatusCode::CREATED, Json(view)).into_response())
}
