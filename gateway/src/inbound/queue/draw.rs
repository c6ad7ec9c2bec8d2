//! `GET /v1/events/{event}/queue/draw` and `…/draw/entries`

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::IntoResponse;
use goticket_domain::EventId;
use goticket_domain::policy::{Action, Subject};
use goticket_domain::queue::{DrawProofs, DrawRecord};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{PLACE_TICKET, TAG, expect_room, place_ticket};
use crate::inbound::openapi::Binary;
use crate::inbound::parts::{Path, Query};
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// The first leaf of the page after this one.
const NEXT: HeaderName = HeaderName::from_static("next-entry");

/// What is asked of a draw beside its record.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct DrawQuery {
    /// The `position` of the place's receipt: proves its entry in the closed lobby.
    position: Option<u64>,
}

/// What is public of the draw, and what proves the caller's place in it.
#[derive(Serialize, ToSchema)]
pub(crate) struct DrawBody {
    /// The whole record: what was announced, the closed lobby, and what was drawn. docs/DRAW.md has its members.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    record: DrawRecord,
    /// Of the place whose ticket is shown, once the lobby is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    proofs: Option<DrawProofs>,
}

/// Everything that is public of the draw by now. With the header `Place-Ticket`, once the lobby is closed, also what proves that place. With
/// the list of entries, `goticket verify-draw` checks it all offline.
#[utoipa::path(get, path = "/v1/events/{event}/queue/draw", operation_id = "show_draw", tag = TAG, security(()), params(("event" = Uuid, Path), DrawQuery,
    ("Place-Ticket" = Option<String>, Header)), responses(
    (status = 200, body = DrawBody),
    (status = 403, description = "place_ticket_invalid", body = ProblemDocument),
    (status = 404, body = ProblemDocument),
    (status = 429, description = "rate_limited", body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn draw(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(event): Path<EventId>,
    Query(query): Query<DrawQuery>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    app.queue_limits.draw(app.addresses.network(peer, &headers))?;
    expect_room(&app, &Subject::Anonymous, Action::ShowDraw, event).await?;
    let ticket = headers.contains_key(PLACE_TICKET).then(|| place_ticket(&app, &headers, event)).transpose()?;
    let record = app.waiting_room.draw(event).await?;
    let proofs = match ticket.filter(|_| record.closed.is_some()) {
        Some((ticket, _)) => Some(app.waiting_room.proofs(event, ticket.place, query.position).await?),
        None => None,
    };
    Ok(([(header::CACHE_CONTROL, "private, no-store")], axum::Json(DrawBody { record, proofs })))
}

/// Where a page begins.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntriesQuery {
    /// The first entry, from 0; the `Next-Entry` of the page before.
    #[serde(default)]
    from: u64,
}

/// The closed lobby's list: 17 bytes for each entry, 1 for a join or 2 for a leave and the 16 of the place id. All pages one after the other are the
/// leaves of the tree whose root was signed.
#[utoipa::path(get, path = "/v1/events/{event}/queue/draw/entries", operation_id = "list_draw_entries", tag = TAG, security(()), params(("event" = Uuid, Path), EntriesQuery),
    responses(
    (status = 200, content_type = "application/octet-stream", body = Binary,
        headers(("Next-Entry" = Option<u64>, description = "where the next page begins; missing on the last"))),
    (status = 404, body = ProblemDocument),
    (status = 409, description = "not_closed", body = ProblemDocument),
    (status = 429, description = "rate_limited", body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn entries(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(event): Path<EventId>,
    Query(query): Query<EntriesQuery>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    app.queue_limits.draw(app.addresses.network(peer, &headers))?;
    expect_room(&app, &Subject::Anonymous, Action::ListDrawEntries, event).await?;
    let page = app.waiting_room.lobby(event, query.from).await?;
    let mut told = HeaderMap::new();
    told.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/octet-stream"));
    // It never changes again.
    told.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("public, max-age=3600, immutable"));
    if let Some(next) = page.next {
        told.insert(NEXT, next.into());
    }
    Ok((told, page.leaves))
}
