//! `GET /v1/events/{event}/queue/place`

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use goticket_domain::EventId;
use goticket_domain::queue::{Board, ClaimedPlace, Location, PlaceTicket, QueueError, RenewedTicket, RoomState, Score};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::join::PlaceBody;
use super::{LocationBody, PLACE_TICKET, TAG, place_ticket};
use crate::app::seen_board::Seen;
use crate::inbound::parts::{Path, Query, header_text};
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// As it is counted.
pub(crate) const ROUTE: &str = "/v1/events/{event}/queue/place";

/// How exactly.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaceQuery {
    /// True asks the waiting room itself, a few times a minute; otherwise the answer is exact near the front and within 1 % further back.
    exact: Option<bool>,
}

/// Where the ticket's holder stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlaceAnswer {
    #[schema(value_type = LocationBody)]
    location: Location,
    /// The room's state.
    #[schema(value_type = String)]
    state: RoomState,
    /// Nothing is free and nothing can come back.
    sold_out: bool,
    /// The operators' message, plain text.
    message: String,
    /// When to ask again.
    poll_after_ms: u64,
    /// The place as the draw left it, where the ticket is from before.
    #[serde(skip_serializing_if = "Option::is_none")]
    drawn: Option<DrawnBody>,
}

/// What the draw made of a place of the lobby.
#[derive(Serialize, ToSchema)]
pub(crate) struct DrawnBody {
    /// Says the rank: to be sent from now on. The one before stays good for claims.
    place_ticket: String,
    place: PlaceBody,
}

/// Where the holder of a place ticket stands in line. Answered from memory, but for `exact`. The ticket is enough: no one has to be logged in.
#[utoipa::path(get, path = "/v1/events/{event}/queue/place", tag = TAG, security(()),
    params(("event" = Uuid, Path), PlaceQuery, ("Place-Ticket" = String, Header)), responses(
    (status = 200, body = PlaceAnswer),
    (status = 401, description = "place_ticket_invalid", body = ProblemDocument),
    (status = 409, description = "not_in_line, when asked exactly", body = ProblemDocument),
    (status = 429, description = "rate_limited, when asked exactly", body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn place(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(event): Path<EventId>,
    Query(query): Query<PlaceQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (ticket, signed) = place_ticket(&app, &headers, event)?;
    let seen = super::board(&app, event).await?;
    let (location, renewed) = if query.exact.unwrap_or(false) {
        app.queue_limits.exact_place(ticket.account, app.addresses.network(peer, &headers))?;
        (exact(&seen.board, &ticket, app.waiting_room.place(event, ticket.account, signed).await)?, None)
    } else {
        by_board(&app, &seen.board, &ticket, signed).await
    };
    Ok(told(&seen.board, &ticket, location, renewed))
}

/// The same, where the board says it all and the ticket is good.
pub(crate) fn from_memory(app: &App, event: EventId, seen: &Seen, headers: &HeaderMap) -> Option<Response> {
    let ticket = app.place_keys.authenticate(header_text(headers, PLACE_TICKET)?, event).ok()?;
    let location = seen.board.locate(&ticket);
    (location != Location::Drawn).then(|| told(&seen.board, &ticket, location, None))
}

fn told(board: &Board, ticket: &PlaceTicket, location: Location, renewed: Option<RenewedTicket>) -> Response {
    let answer = PlaceAnswer {
        location,
        state: board.state,
        sold_out: board.is_sold_out(),
        message: board.message.clone(),
        poll_after_ms: board.poll_after_ms(ticket, &location),
        drawn: renewed.map(|renewed| DrawnBody { place: PlaceBody::of(&renewed.ticket), place_ticket: renewed.signed }),
    };
    ([(header::CACHE_CONTROL, "private, no-store")], axum::Json(answer)).into_response()
}

/// What the board says, and the ticket with the rank for one from before the draw. Once is enough for a fan who takes the new ticket; for others
/// there is a limit, beyond which the order is drawn and the rank untold.
async fn by_board(app: &App, board: &Board, ticket: &PlaceTicket, signed: &str) -> (Location, Option<RenewedTicket>) {
    let location = board.locate(ticket);
    if location != Location::Drawn || app.queue_limits.renewal(ticket.account).is_err() {
        return (location, None);
    }
    match app.waiting_room.renew(board.event, ticket.account, signed).await {
        Ok(renewed) => (board.locate(&renewed.ticket), Some(renewed)),
        Err(QueueError::ClaimWindowPassed | QueueError::NotInLine) => (Location::Passed, None),
        Err(_) => (Location::Drawn, None),
    }
}

/// The waiting room knows the rank; the board knows the rate.
fn exact(board: &Board, ticket: &PlaceTicket, place: Result<ClaimedPlace, QueueError>) -> Result<Location, QueueError> {
    let place = match place {
        Err(QueueError::NotDrawn) => return Ok(Location::Lobby { joined: board.waiting }),
        place => place?,
    };
    match place {
        ClaimedPlace::Admitted { .. } => Ok(Location::Turn),
        ClaimedPlace::Inside { until } => Ok(Location::Inside { until }),
        ClaimedPlace::Gone => Err(QueueError::NotInLine),
        ClaimedPlace::Waiting { score, ahead } => Ok(match shown(board, ticket, score) {
            Location::Waiting { ahead: near, eta_s } => {
                let scale = |eta: u64| (u128::from(eta) * (u128::from(ahead) + 1)).div_ceil(u128::from(near) + 1);
                let eta_s = eta_s.map(|eta| u64::try_from(scale(eta)).unwrap_or(u64::MAX));
                Location::Waiting { ahead, eta_s }
            }
            lobby @ Location::Lobby { .. } => lobby,
            // It has moved on since.
            Location::Drawn | Location::Turn | Location::Passed | Location::Inside { .. } => {
                Location::Waiting { ahead, eta_s: Some(0) }
            }
        }),
    }
}

/// Where the board shows a place of this score, also for a ticket from before its draw.
fn shown(board: &Board, ticket: &PlaceTicket, score: Score) -> Location {
    match board.locate(ticket) {
        Location::Drawn => board.locate_score(score),
        shown => shown,
    }
}
