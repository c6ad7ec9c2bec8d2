//! `GET /v1/me/sessions`

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::TAG;
use crate::app::list_sessions::{LiveSession, list_sessions};
use crate::inbound::caller::Session;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// Where an account is logged in.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionList {
    /// The one that was used last comes first. All of them: an account has 50 at most.
    items: Vec<OwnSession>,
}

/// One log-in.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnSession {
    /// For `DELETE /v1/me/sessions/{session}`.
    id: Uuid,
    /// From where, in words, e.g. `Firefox on Windows`.
    device: String,
    begun_at: Timestamp,
    /// When it was refreshed last.
    used_at: Timestamp,
    /// When it ends if it is not refreshed.
    expires_at: Timestamp,
    /// Whether it is the one that asks.
    this: bool,
}

/// The caller's sessions.
#[utoipa::path(get, path = "/v1/me/sessions", operation_id = "list_sessions", tag = TAG, security(("access" = [])), responses(
    (status = 200, body = SessionList),
    (status = 401, body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn list(State(app): State<App>, session: Session) -> Result<impl IntoResponse, Problem> {
    let own = |of: LiveSession| OwnSession {
        id: of.id,
        device: of.device,
        begun_at: of.begun_at,
        used_at: of.used_at,
        expires_at: of.expires_at,
        this: of.id == session.id,
    };
    let items = list_sessions(&app, session.caller).await?.into_iter().map(own).collect();
    Ok(([(header::CACHE_CONTROL, "no-store")], axum::Json(SessionList { items })))
}
