//! `GET /v1/events/{event}/seats`

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use goticket_domain::EventId;
use goticket_domain::catalog::EventStatus;
use goticket_domain::policy::Action;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::TAG;
use crate::app::caller::{Caller, subject};
use crate::app::geometry::Geometry;
use crate::app::seat_map::SeatStates;
use crate::fault::Fault;
use crate::inbound::cached::{has, takes_gzip};
use crate::inbound::parts::{Path, Query};
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::packed::{self, Packed};
use crate::services::App;

/// How much of the map.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeatsQuery {
    /// False leaves out `seats` and `drawing`, which never change.
    geometry: Option<bool>,
}

/// The seat map, as it is put together from serialized parts.
#[derive(Serialize, ToSchema)]
pub(crate) struct SeatMapBody {
    event: Uuid,
    /// Rises with every change of a seat; 0 where it is not known for the moment.
    version: u64,
    /// One digit per seat, by number: 0 free, 1 held, 2 sold.
    states: String,
    seats: Option<Vec<SeatBody>>,
    /// What the map draws besides the seats.
    drawing: Option<Value>,
}

/// A place, as the geometry serializes it. Standing places have no position.
#[derive(Serialize, ToSchema)]
pub(crate) struct SeatBody {
    no: u32,
    section: u16,
    row: String,
    number: String,
    category: u16,
    x: Option<f32>,
    y: Option<f32>,
}

/// The seat map: where seats are, and which are free, held or sold. Advisory: what is free can be gone a moment later.
#[utoipa::path(get, path = "/v1/events/{event}/seats", operation_id = "show_seats", tag = TAG, security((), ("access" = [])),
    params(("event" = Uuid, Path), SeatsQuery), responses(
    (status = 200, body = SeatMapBody),
    (status = 304, description = "not changed since the ETag in If-None-Match"),
    (status = 404, body = ProblemDocument),
))]
pub(crate) async fn seats(
    State(app): State<App>,
    caller: Option<Caller>,
    Path(id): Path<EventId>,
    Query(query): Query<SeatsQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let event = app.catalog.with_seats(&subject(caller), Action::ShowSeats, id).await?;
    let geometry = app.catalog.geometry(&event).await?;
    let states = app.seat_maps.read(id, &geometry).await?;
    let whole = query.geometry.unwrap_or(true);
    // Weak: gzip changes the bytes, not the meaning.
    let etag = format!("W/\"{}{}\"", states.etag, if whole { "" } else { "-s" });
    let cache = if event.status == EventStatus::Draft { "private, no-store" } else { "public, max-age=1" };
    let mut response = if has(&headers, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        assemble(id, &states, whole.then_some(&*geometry), takes_gzip(&headers)).await?
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    Ok(response)
}

/// Puts together what is serialized already: digits and names need no escaping. Nothing is copied, nor compressed for each reader: a map
/// can have megabytes, and thousands of slow readers share them.
async fn assemble(event: EventId, states: &SeatStates, geometry: Option<&Geometry>, as_gzip: bool) -> Result<Response, Fault> {
    let head = Packed::brief(format!("{{\"event\":\"{event}\",\"version\":{},\"states\":\"", states.version));
    let (quote, comma, end) = (Packed::brief("\""), Packed::brief(","), Packed::brief("}"));
    let mut parts = vec![&head, &states.digits, &quote];
    if let Some(geometry) = geometry {
        parts.extend([&comma, &geometry.members]);
    }
    parts.push(&end);
    let json = [(header::CONTENT_TYPE, "application/json")];
    if !as_gzip {
        return Ok((json, packed::plain(&parts)).into_response());
    }
    let coded = [(header::CONTENT_ENCODING, "gzip"), (header::VARY, "accept-encoding")];
    Ok((json, coded, packed::gzip(&parts).await?).into_response())
}
