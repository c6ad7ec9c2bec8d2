//! `POST /v1/auth/logout`

use axum::extract::State;
use axum::http::StatusCode;

use super::TAG;
use super::refresh::RefreshBody;
use crate::app::log_out::log_out;
use crate::inbound::json::Json;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// Ends a session, for whoever has its refresh token. Its tokens are worth nothing from now on.
#[utoipa::path(post, path = "/v1/auth/logout", operation_id = "log_out", tag = TAG, request_body = RefreshBody, responses(
    (status = 204, description = "ended, or there is none that goes on with this token"),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn logout(State(app): State<App>, Json(body): Json<RefreshBody>) -> Result<StatusCode, Problem> {
    log_out(&app, &body.refresh_token).await?;
    Ok(StatusCode::NO_CONTENT)
}
