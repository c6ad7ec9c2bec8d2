//! `POST /v1/auth/refresh`

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{SessionBody, TAG};
use crate::app::refresh::refresh as refresh_session;
use crate::inbound::json::Json;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// The proof that a session is one's own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshBody {
    pub(super) refresh_token: String,
}

/// Exchanges a refresh token for the next one. Using one twice ends the session.
#[utoipa::path(post, path = "/v1/auth/refresh", operation_id = "refresh_session", tag = TAG, request_body = RefreshBody, responses(
    (status = 200, body = SessionBody),
    (status = 401, description = "refresh_token_invalid", body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn refresh(State(app): State<App>, Json(body): Json<RefreshBody>) -> Result<axum::Json<SessionBody>, Problem> {
    Ok(axum::Json(refresh_session(&app, &body.refresh_token).await?.into()))
}
