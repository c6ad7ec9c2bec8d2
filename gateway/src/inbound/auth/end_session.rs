//! `DELETE /v1/me/sessions/{session}`

use axum::extract::State;
use axum::http::StatusCode;
use uuid::Uuid;

use super::TAG;
use crate::app::caller::Caller;
use crate::app::end_sessions::end_session;
use crate::inbound::parts::Path;
use crate::inbound::problem::{FieldError, Problem, ProblemCode, ProblemDocument};
use crate::services::App;

/// Ends one session of the caller's, also the one that asks. Its tokens are worth nothing from now on.
#[utoipa::path(delete, path = "/v1/me/sessions/{session}", operation_id = "end_session", tag = TAG, security(("access" = [])),
    params(("session" = Uuid, Path, description = "from the list")),
    responses(
        (status = 204, description = "ended"),
        (status = 400, body = ProblemDocument),
        (status = 401, body = ProblemDocument),
        (status = 404, description = "session_not_found", body = ProblemDocument),
        (status = 503, body = ProblemDocument),
    ))]
pub(crate) async fn end(State(app): State<App>, caller: Caller, Path(session): Path<Uuid>) -> Result<StatusCode, Problem> {
    if end_session(&app, caller, session).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::new(ProblemCode::SessionNotFound, "You have no session of this id that goes on. See the list of your sessions.")
        .with_error(FieldError::path("session", "is none of yours that goes on: take one from the list")))
}
