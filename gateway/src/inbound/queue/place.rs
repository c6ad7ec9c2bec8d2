//! `GET /v1/events/{event}/queue/place`

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use goticket_domain::EventId;
use goticket_domain::policy::Action;
use goticket_domain::queue::{
    Board, CategoryChance, ClaimedPlace, HeldUp, Location, PlaceKind, PlaceTicket, QueueError, Release, RenewedTicket, RoomState,
    Score,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::join::PlaceBody;
use super::{LocationBody, PLACE_TICKET, TAG, place_ticket};
use crate::app::seen_board::Seen;
use crate::inbound::parts::{Path, Query, header_text};
use crate::inbound::problem::{FieldError, Problem, ProblemCode, ProblemDocument};
use crate::services::App;

/// As it is counted.
pub(crate) const ROUTE: &str = "/v1/events/{event}/queue/place";

/// How exactly.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaceQuery {
    /// True asks the waiting room itself, a few times a minute; otherwise the answer is exact near the front and within 1 % further back.
    exact: Option<bool>,
    /// Numbers of the price categories that the fan wants, separated by commas, at most 20: the answer says when nothing of them is left.
    categories: Option<String>,
}

/// Most categories of one question.
const CATEGORIES_MAX: usize = 20;

/// The categories that a fan wants.
fn wanted(categories: Option<&str>) -> Result<Vec<u16>, Problem> {
    let Some(text) = categories else { return Ok(Vec::new()) };
    let numbers: Option<Vec<u16>> = text.split(',').take(CATEGORIES_MAX + 1).map(|number| number.parse().ok()).collect();
    numbers.filter(|numbers| numbers.len() <= CATEGORIES_MAX).ok_or_else(|| {
        let message = format!("must be 1 to {CATEGORIES_MAX} numbers of the event's categories, separated by commas");
        Problem::new(ProblemCode::InvalidQuery, format!("Query parameter categories {message}."))
            .with_error(FieldError::query("categories", message))
    })
}

/// Where the ticket's holder stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlaceAnswer {
    #[schema(value_type = LocationBody)]
    location: Location,
    /// The room's state.
    #[schema(value_type = String)]
    state: RoomState,
    /// Why the line stands still, or is slow: `paused`, `rate_zero`, `awaiting_draw`, `sold_out`, `seats_held`, `cap_reached`,
    /// `pipeline_slow` or `stores_away`; null where nothing holds it up.
    #[schema(value_type = Option<String>)]
    held_up_by: Option<HeldUp>,
    /// Nothing is free and nothing can come back.
    sold_out: bool,
    /// What they may find of each price category when their turn comes; empty where that is not known, or they do not wait.
    #[schema(value_type = Vec<CategoryChanceBody>)]
    chances: Vec<CategoryChance>,
    /// There is nothing to wait for: nothing of the categories in the query, or nothing at all, is free or held. Null otherwise.
    #[schema(value_type = Option<ReleaseBody>)]
    release: Option<Release>,
    /// The operators' message, plain text.
    message: String,
    /// When to ask again.
    poll_after_ms: u64,
    /// The place as the draw left it, where the ticket is from before.
    #[serde(skip_serializing_if = "Option::is_none")]
    drawn: Option<DrawnBody>,
}

/// Whether a seat of a price category is left when the turn comes.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the domain's type")]
pub(crate) struct CategoryChanceBody {
    /// Its number within the event.
    category: u16,
    /// `likely`, `possible`, `unlikely`, or `gone`: nothing is free or can come back. An estimate from what others have taken so far.
    chance: String,
}

/// Nothing that the fan wants is left. The place stays theirs, for seats that are returned.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the domain's type")]
pub(crate) struct ReleaseBody {
    /// `sold_out`: everything; `sold_out_in_your_categories`: all that were named.
    why: String,
    /// Numbers of categories of which something is free, or held and may come back.
    left: Vec<u16>,
}

/// What the draw made of a place of the lobby.
#[derive(Serialize, ToSchema)]
pub(crate) struct DrawnBody {
    /// Says the rank: to be sent from now on. The one before stays good for claims.
    place_ticket: String,
    place: PlaceBody,
}

/// Where the holder of a place ticket stands in line. Answered from memory, but for `exact`. The ticket is enough: no one has to be logged in.
#[utoipa::path(get, path = "/v1/events/{event}/queue/place", operation_id = "show_place", tag = TAG, security(()),
    params(("event" = Uuid, Path), PlaceQuery, ("Place-Ticket" = String, Header)), responses(
    (status = 200, body = PlaceAnswer),
    (status = 400, description = "invalid_query", body = ProblemDocument),
    (status = 403, description = "place_ticket_invalid", body = ProblemDocument),
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
    let wanted = wanted(query.categories.as_deref())?;
    let (ticket, signed) = place_ticket(&app, &headers, event)?;
    let seen = super::board(&app, Action::ShowPlace, event).await?;
    let (location, renewed) = if query.exact.unwrap_or(false) {
        app.queue_limits.exact_place(ticket.account, app.addresses.network(peer, &headers))?;
        (exact(&seen.board, &ticket, app.waiting_room.place(event, ticket.account, signed).await)?, None)
    } else {
        by_board(&app, &seen.board, &ticket, signed).await
    };
    Ok(told(&seen.board, &ticket, location, &wanted, renewed))
}

/// The same, where the board says it all and the ticket is good.
pub(crate) fn from_memory(app: &App, event: EventId, seen: &Seen, headers: &HeaderMap) -> Option<Response> {
    let ticket = app.place_keys.authenticate(header_text(headers, PLACE_TICKET)?, event).ok()?;
    let location = seen.board.locate(&ticket);
    (location != Location::Drawn).then(|| told(&seen.board, &ticket, location, &[], None))
}

fn told(board: &Board, ticket: &PlaceTicket, location: Location, wanted: &[u16], renewed: Option<RenewedTicket>) -> Response {
    let answer = PlaceAnswer {
        location,
        state: board.state,
        held_up_by: board.held_up_by,
        sold_out: board.is_sold_out(),
        chances: match location {
            Location::Waiting { ahead, .. } => board.chances_of(ahead),
            _ => Vec::new(),
        },
        release: match location {
            Location::Passed | Location::Inside { .. } => None,
            _ => board.release_of(wanted),
        },
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
        ClaimedPlace::Waiting { score, .. } if matches!(score.kind(), PlaceKind::Deferred { .. }) => Ok(Location::Deferred),
        ClaimedPlace::Waiting { score, ahead } => Ok(match shown(board, ticket, score) {
            lobby @ Location::Lobby { .. } => lobby,
            // It may have moved on since.
            _ => Location::Waiting { ahead, eta: board.eta_of(ahead) },
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
