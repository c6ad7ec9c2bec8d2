//! The waiting room as fans and operators see it.

pub(crate) mod board;
mod challenge;
mod claim;
mod codes;
mod control;
mod draw;
mod group;
mod if_match;
mod join;
mod leave;
mod limits;
mod log;
pub(crate) mod place;
mod statistics;
mod stream;

use axum::http::HeaderMap;
use goticket_domain::policy::{Action, Subject};
use goticket_domain::queue::PlaceTicket;
use goticket_domain::{AccountId, EventId};
use goticket_tokens::TokenError;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::parts::header_text;
use super::problem::{FieldError, Problem, ProblemCode};
use crate::app::boards::NoBoard;
use crate::app::seen_board::Seen;
use crate::services::App;

pub(crate) use control::AutoBody;
pub(crate) use join::{JOIN_CODE, JOIN_GROUP, JOIN_PROOF};
pub(crate) use limits::QueueLimits;

pub(crate) const TAG: &str = "queue";

const PLACE_TICKET: &str = "Place-Ticket";

/// Where a place stands: `where` says which of the other members are there.
#[derive(Serialize, ToSchema)]
pub(crate) struct LocationBody {
    /// `lobby`, `drawn` (the rank is told with one of the next polls), `waiting`, `deferred` (the turn passed, and comes once more with the next ones), `turn`, `passed` (the turn is over; a claim tells what became of it) or, asked exactly, `inside`.
    r#where: String,
    /// In the lobby: how many take part.
    joined: Option<u64>,
    /// Waiting: how many stand before.
    ahead: Option<u64>,
    /// Waiting: when the turn comes; null before the order is drawn.
    eta: Option<EtaBody>,
    /// Inside: the end of the session.
    until: Option<Timestamp>,
}

/// When a turn comes. While the room's rate holds the later end only comes nearer.
#[derive(Serialize, ToSchema)]
pub(crate) struct EtaBody {
    /// `moves`, or `stands_still`: then the seconds count from when it goes on.
    line: String,
    /// At the earliest.
    from_s: u64,
    /// At the latest.
    to_s: u64,
}

/// The place ticket that is shown, and its text. Its MAC is all that a poll needs: whoever has it may look at the place.
fn place_ticket<'a>(app: &App, headers: &'a HeaderMap, event: EventId) -> Result<(PlaceTicket, &'a str), Problem> {
    let text = header_text(headers, PLACE_TICKET).ok_or_else(|| invalid_ticket("is missing: join the line to get one"))?;
    Ok((authenticated(app, text, event)?, text))
}

fn authenticated(app: &App, text: &str, event: EventId) -> Result<PlaceTicket, Problem> {
    let invalid = |error| invalid_ticket(format!("is not valid ({error}): join the line again"));
    app.place_keys.authenticate(text, event).map_err(invalid)
}

/// The same, of this account.
fn own_place_ticket<'a>(app: &App, headers: &'a HeaderMap, event: EventId, account: AccountId) -> Result<&'a str, Problem> {
    let (ticket, text) = place_ticket(app, headers, event)?;
    if ticket.account == account {
        return Ok(text);
    }
    Err(invalid_ticket(format!("is not valid ({}): join the line again", TokenError::WrongAccount)))
}

fn invalid_ticket(message: impl Into<String>) -> Problem {
    let message = message.into();
    Problem::new(ProblemCode::PlaceTicketInvalid, format!("{PLACE_TICKET} {message}."))
        .with_error(FieldError::header(PLACE_TICKET, message))
}

/// Refuses what cannot have a room before the waiting room is asked: of an event that no one has published, it is remembered for a moment.
async fn expect_room(app: &App, subject: &Subject, action: Action, event: EventId) -> Result<(), Problem> {
    // Of what has a board, everybody may know.
    if app.boards.get(event).is_err_and(|none| none == NoBoard::Unknown) {
        app.catalog.access(subject, action, event).await?;
    }
    Ok(())
}

/// The event's board. An event that no one has published has none and never will.
async fn board(app: &App, action: Action, event: EventId) -> Result<std::sync::Arc<Seen>, Problem> {
    match app.boards.get(event) {
        Ok(seen) => Ok(seen),
        Err(NoBoard::Unknown) => {
            app.catalog.access(&Subject::Anonymous, action, event).await?;
            Err(NoBoard::Unknown.into())
        }
        Err(stale) => Err(stale.into()),
    }
}

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(join::join, leave::leave))
        .routes(routes!(group::show, group::make, group::leave))
        .routes(routes!(challenge::challenge))
        .routes(routes!(board::board))
        .routes(routes!(place::place))
        .routes(routes!(stream::stream))
        .routes(routes!(claim::claim))
        .routes(routes!(control::show, control::change))
        .routes(routes!(codes::list, codes::make))
        .routes(routes!(codes::look_up))
        .routes(routes!(codes::revoke))
        .routes(routes!(log::log))
        .routes(routes!(statistics::statistics))
        .routes(routes!(draw::draw))
        .routes(routes!(draw::entries))
}
