//! The waiting room as fans and operators see it.

mod board;
mod claim;
mod control;
mod draw;
mod join;
mod leave;
mod log;
mod place;

use axum::http::HeaderMap;
use goticket_domain::EventId;
use goticket_domain::queue::PlaceTicket;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::parts::header_text;
use super::problem::{FieldError, Problem};
use crate::app::boards::{NoBoard, Seen};
use crate::app::caller::Caller;
use crate::services::App;

pub(crate) const TAG: &str = "queue";

const PLACE_TICKET: &str = "Place-Ticket";

/// Where a place stands: `where` says which of the other members are there.
#[derive(Serialize, ToSchema)]
pub(crate) struct LocationBody {
    /// `lobby`, `waiting` or `turn`.
    r#where: String,
    /// In the lobby: how many take part.
    joined: Option<u64>,
    /// Waiting: how many stand before.
    ahead: Option<u64>,
    /// Waiting: estimated seconds to the turn; null while nobody is admitted.
    eta_s: Option<u64>,
}

/// The place ticket of this account at this event, and its text.
fn place_ticket<'a>(
    app: &App,
    headers: &'a HeaderMap,
    event: EventId,
    caller: Caller,
) -> Result<(PlaceTicket, &'a str), Problem> {
    let invalid = |message: String| {
        Problem::unauthorized("place_ticket_invalid", format!("{PLACE_TICKET} {message}."))
            .with_error(FieldError::header(PLACE_TICKET, message))
    };
    let text = header_text(headers, PLACE_TICKET).ok_or_else(|| invalid("is missing: join the line to get one".to_owned()))?;
    match app.place_keys.verify(text, event, caller.account) {
        Ok(ticket) => Ok((ticket, text)),
        Err(error) => Err(invalid(format!("is not valid ({error}): join the line again"))),
    }
}

/// The event's board. An event that nobody has published has none and never will.
async fn board(app: &App, event: EventId) -> Result<std::sync::Arc<Seen>, Problem> {
    match app.boards.get(event) {
        Ok(seen) => Ok(seen),
        Err(NoBoard::Unknown) => {
            app.catalog.visible(event, None).await?;
            Err(NoBoard::Unknown.into())
        }
        Err(stale) => Err(stale.into()),
    }
}

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(join::join, leave::leave))
        .routes(routes!(board::board))
        .routes(routes!(place::place))
        .routes(routes!(claim::claim))
        .routes(routes!(control::show, control::change))
        .routes(routes!(log::log))
        .routes(routes!(draw::draw))
}
