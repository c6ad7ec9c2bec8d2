//! `DELETE /v1/me/sessions`

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::TAG;
use crate::app::end_sessions::end_sessions;
use crate::inbound::caller::Session;
use crate::inbound::parts::Query;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// Which.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Also the session that asks.
    #[serde(default)]
    all: bool,
}

/// Ends every session of the caller's but the one that asks, or that one too.
#[utoipa::path(delete, path = "/v1/me/sessions", operation_id = "end_sessions", tag = TAG, security(("access" = [])), params(Which), responses(
    (status = 204, description = "ended"),
    (status = 400, body = ProblemDocument),
    (status = 401, body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn end_all(
    State(app): State<App>,
    session: Session,
    Query(Which { all }): Query<Which>,
) -> Result<StatusCode, Problem> {
    end_sessions(&app, session.caller, (!all).then_some(session.id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
