//! `GET /v1/events/{event}/queue/board`

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use goticket_domain::EventId;
use goticket_domain::policy::Action;

use super::TAG;
use crate::app::seen_board::Seen;
use crate::inbound::cached::{has, takes_gzip};
use crate::inbound::parts::Path;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// As it is counted.
pub(crate) const ROUTE: &str = "/v1/events/{event}/queue/board";

/// The room's public state: the same bytes for every fan, from which each computes their own place; see docs/CLIENTS.md.
#[utoipa::path(get, path = "/v1/events/{event}/queue/board", operation_id = "show_board", tag = TAG, params(("event" = Uuid, Path),
    ("If-None-Match" = Option<String>, Header, description = "the ETag of the board read last")), responses(
    (status = 200, body = Value),
    (status = 304, description = "not changed since the ETag in If-None-Match"),
    (status = 404, body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn board(State(app): State<App>, Path(event): Path<EventId>, headers: HeaderMap) -> Result<Response, Problem> {
    let seen = super::board(&app, Action::ShowBoard, event).await?;
    Ok(answer(&seen, &headers))
}

/// The bytes in which the board came, or those it was compressed to once. Each has an entity tag of its own: strong ones name bytes.
pub(crate) fn answer(seen: &Seen, headers: &HeaderMap) -> Response {
    let (plain, packed) = (format!("\"{}\"", seen.tag()), format!("\"{}-gzip\"", seen.tag()));
    let gzip = if takes_gzip(headers) { seen.gzip() } else { None };
    let json = (header::CONTENT_TYPE, "application/json");
    let (etag, mut response) = match gzip {
        _ if has(headers, &plain) => (plain, StatusCode::NOT_MODIFIED.into_response()),
        _ if has(headers, &packed) => (packed, StatusCode::NOT_MODIFIED.into_response()),
        Some(gzip) => (packed, ([json, (header::CONTENT_ENCODING, "gzip")], gzip.clone()).into_response()),
        None => (plain, ([json], seen.json.clone()).into_response()),
    };
    let fields = response.headers_mut();
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=1"));
    fields.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        fields.insert(header::ETAG, etag);
    }
    response
}
