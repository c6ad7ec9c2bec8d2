//! `POST /v1/events/{event}/queue`

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use goticket_domain::EventId;
use goticket_domain::queue::{Location, PlaceId, PlaceKind, RoomState};
use serde::Serialize;
use utoipa::ToSchema;

use super::{LocationBody, TAG};
use crate::app::caller::Caller;
use crate::inbound::parts::Path;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// When no board has come yet.
const POLL_SOON_MS: u64 = 1_000;

/// A place in line.
#[derive(Serialize, ToSchema)]
pub(crate) struct JoinedBody {
    /// To be kept and sent as `Place-Ticket`: polls are answered by it.
    place_ticket: String,
    place: PlaceBody,
    /// Null for the moment in which no board has come yet.
    #[schema(value_type = Option<LocationBody>)]
    location: Option<Location>,
    #[schema(value_type = Option<String>)]
    state: Option<RoomState>,
    /// When to ask for the place.
    poll_after_ms: u64,
}

/// Which place it is.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlaceBody {
    /// Pseudonymous and public: it stands in the draw's published list.
    #[schema(value_type = String)]
    id: PlaceId,
    /// `lobby` or `late`.
    kind: &'static str,
    /// Of a late place: how much had happened in the room before it. A later place has a higher one.
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<u64>,
}

/// Takes the account's one place in line, or finds it again, from whichever device.
#[utoipa::path(post, path = "/v1/events/{event}/queue", tag = TAG, security(("access" = [])),
    params(("event" = Uuid, Path)), responses(
    (status = 201, description = "a new place", body = JoinedBody),
    (status = 200, description = "the place this account had", body = JoinedBody),
    (status = 404, body = ProblemDocument),
    (status = 409, description = "room_not_open, room_closed", body = ProblemDocument),
    (status = 429, description = "rate_limited", body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn join(
    State(app): State<App>,
    caller: Caller,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(event): Path<EventId>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    app.queue_limits.join(caller.account, app.addresses.network(peer, &headers))?;
    super::expect_room(&app, event).await?;
    let joined = app.waiting_room.join(event, caller.account).await?;
    let seen = app.boards.get(event).ok();
    let location = seen.as_ref().map(|seen| seen.board.locate(&joined.ticket));
    let told = seen.as_ref().zip(location.as_ref());
    let poll_after_ms = told.map_or(POLL_SOON_MS, |(seen, location)| seen.board.poll_after_ms(&joined.ticket, location));
    let (kind, sequence) = match joined.ticket.kind {
        PlaceKind::Lobby => ("lobby", None),
        PlaceKind::Late { sequence } => ("late", Some(sequence)),
    };
    let body = JoinedBody {
        place_ticket: joined.signed,
        place: PlaceBody { id: joined.ticket.place, kind, sequence },
        location,
        state: seen.map(|seen| seen.board.state),
        poll_after_ms,
    };
    let status = if joined.existing { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, axum::Json(body)))
}
