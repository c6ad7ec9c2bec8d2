//! `POST /v1/auth/logout`

use axum::extract::State;
use axum::http::StatusCode;

use super::TAG;
use super::refresh::RefreshBody;
use crate::app::log_out::log_out;
use crate::inbound::json::Json;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// Ends a session: its refresh tokens are worth nothing from now on. Access tokens run out by themselves.
#[utoipa::path(post, path = "/v1/auth/logout", operation_id = "log_out", tag = TAG, request_body = RefreshBody, responses(
    (status = 204, description = "ended, or was not there"),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn logout(State(app): State<App>, Json(body): Json<RefreshBody>) -> Result<StatusCode, Problem> {
    log_out(&app, &body.refresh_token).await?;
    Ok(StatusCode::NO_CONTENT)
}
