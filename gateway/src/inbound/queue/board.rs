//! `GET /v1/events/{event}/queue/board`

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use goticket_domain::EventId;

use super::TAG;
use crate::inbound::parts::Path;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// The room's public state: the same bytes for every fan, from which each computes their own place.
#[utoipa::path(get, path = "/v1/events/{event}/queue/board", tag = TAG, params(("event" = Uuid, Path)), responses(
    (status = 200, body = Value),
    (status = 404, body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn board(State(app): State<App>, Path(event): Path<EventId>) -> Result<impl IntoResponse, Problem> {
    let seen = super::board(&app, event).await?;
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "public, max-age=1")];
    Ok((headers, seen.json.clone()))
}
