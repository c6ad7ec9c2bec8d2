//! `POST /v1/events/{event}/queue`

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use goticket_domain::EventId;
use goticket_domain::policy::Action;
use goticket_domain::queue::{JoinPass, Location, PlaceId, PlaceKind, PlaceTicket, Receipt, RoomState};
use serde::Serialize;
use utoipa::ToSchema;

use super::{LocationBody, TAG};
use crate::app::caller::Caller;
use crate::inbound::parts::{Path, header_text};
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// The solved challenge, where a room asks for one.
pub(crate) const JOIN_PROOF: &str = "Join-Proof";

/// The code, where a room asks for one.
pub(crate) const JOIN_CODE: &str = "Join-Code";

/// The code of a group, of who goes into one.
pub(crate) const JOIN_GROUP: &str = "Join-Group";

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
    /// `lobby`, `drawn` (a place of the lobby, after the draw), `late` or `deferred` (its turn passed, and comes once more).
    kind: &'static str,
    /// Of a drawn place: how many were drawn before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<u64>,
    /// Of a late or deferred place: how much had happened in the room before it. A later place has a higher one.
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<u64>,
}

impl PlaceBody {
    pub(super) fn of(ticket: &PlaceTicket) -> Self {
        let (kind, rank, sequence) = match ticket.kind {
            PlaceKind::Lobby => ("lobby", None, None),
            PlaceKind::Drawn { rank } => ("drawn", Some(rank), None),
            PlaceKind::Late { sequence } => ("late", None, Some(sequence)),
            PlaceKind::Deferred { sequence } => ("deferred", None, Some(sequence)),
        };
        Self { id: ticket.place, kind, rank, sequence }
    }
}

/// Takes the account's one place in line, or finds it again, from whichever device. Who stands in a group finds the group's. A room may ask for more of those who have none yet: the
/// refusal says what.
#[utoipa::path(post, path = "/v1/events/{event}/queue", operation_id = "join_queue", tag = TAG, security(("access" = [])),
    params(("event" = Uuid, Path),
        ("Join-Proof" = Option<String>, Header, description = "the solution of a challenge, as altcha's widget makes it"),
        ("Join-Code" = Option<String>, Header, description = "a presale or invite code, as it was typed"),
        ("Join-Group" = Option<String>, Header, description = "the code of a group, to stand in its place: all of it come in by it, or none")), responses(
    (status = 201, description = "a new place", body = JoinedBody),
    (status = 200, description = "the place this account had", body = JoinedBody),
    (status = 403, description = "code_required, code_invalid, code_not_yet_valid, code_expired, code_used_up, code_revoked, identity_not_verified, \
        group_code_invalid",
        body = ProblemDocument),
    (status = 404, body = ProblemDocument),
    (status = 409, description = "room_not_open, room_closed, identity_has_place, groups_not_allowed, group_over, group_full, \
        group_closed, in_another_group, leads_another_group", body = ProblemDocument),
    (status = 428, description = "proof_required, proof_expired, proof_invalid: `challenge` is to be solved", body = ProblemDocument),
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
    super::expect_room(&app, &caller.subject(), Action::JoinQueue, event).await?;
    let shown = |name| header_text(&headers, name).map(ToOwned::to_owned);
    // One that cannot be read is no code: whoever sent it does not mean to stand alone.
    let group = headers.contains_key(JOIN_GROUP).then(|| shown(JOIN_GROUP).unwrap_or_default());
    let pass = JoinPass { proof: shown(JOIN_PROOF), code: shown(JOIN_CODE), group };
    let joined = app.waiting_room.join_with(event, caller.account, &pass).await?;
    let seen = app.boards.get(event).ok();
    let by_board = seen.as_ref().map(|seen| seen.board.locate(&joined.ticket));
    // The board that says so may be on its way.
    let location = if joined.turn { Some(Location::Turn) } else { by_board };
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
