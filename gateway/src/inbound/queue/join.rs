//! `POST /v1/events/{event}/queue`

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use goticket_domain::EventId;
use goticket_domain::queue::{Location, PlaceId, PlaceKind, PlaceTicket, Receipt, RoomState};
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
    /// That the place was taken, signed. Keep it: it proves the place to anyone, also against us. Missing where a drawn place is found again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ReceiptBody>)]
    receipt: Option<Receipt>,
}

/// The waiting room's word that a place was taken.
#[derive(ToSchema)]
#[schema(as = Receipt)]
#[expect(dead_code, reason = "says in the OpenAPI document what the domain's type looks like")]
pub(crate) struct ReceiptBody {
    #[schema(value_type = Uuid)]
    event: EventId,
    /// The place id.
    place: String,
    /// Entries in the room's log before the one that took it. In the lobby: the index of its leaf.
    position: u64,
    /// When it was signed.
    #[schema(value_type = String, format = DateTime)]
    at: jiff::Timestamp,
    /// SHA-256 of the draw's terms that were in force, hexadecimal.
    terms: String,
    /// Ed25519, hexadecimal, by the `signer` of those terms. docs/DRAW.md says over what.
    signature: String,
}

/// Which place it is.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlaceBody {
    /// Pseudonymous and public: it stands in the draw's published list.
    #[schema(value_type = String)]
    id: PlaceId,
    /// `lobby`, `drawn` (a place of the lobby, after the draw) or `late`.
    kind: &'static str,
    /// Of a drawn place: how many were drawn before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<u64>,
    /// Of a late place: how much had happened in the room before it. A later place has a higher one.
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<u64>,
}

impl PlaceBody {
    pub(super) fn of(ticket: &PlaceTicket) -> Self {
        let (kind, rank, sequence) = match ticket.kind {
            PlaceKind::Lobby => ("lobby", None, None),
            PlaceKind::Drawn { rank } => ("drawn", Some(rank), None),
            PlaceKind::Late { sequence } => ("late", None, Some(sequence)),
        };
        Self { id: ticket.place, kind, rank, sequence }
    }
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
    let body = JoinedBody {
        place: PlaceBody::of(&joined.ticket),
        place_ticket: joined.signed,
        receipt: joined.receipt,
        location,
        state: seen.map(|seen| seen.board.state),
        poll_after_ms,
    };
    let status = if joined.existing { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, axum::Json(body)))
}
