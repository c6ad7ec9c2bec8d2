//! `GET /v1/payments/{id}`

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};

use super::key::Merchant;
use super::problem::Problem;
use crate::sandbox::server::Sandbox;

pub(in crate::sandbox) async fn show(
    _: Merchant,
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let payment = sandbox.ledger().get(&id)?;
    Ok(Json(payment.view(sandbox.public_url())).into_response())
}
