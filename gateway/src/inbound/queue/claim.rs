//! `POST /v1/events/{event}/queue/claim`

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use goticket_domain::EventId;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{TAG, own_place_ticket};
use crate::app::caller::Caller;
use crate::inbound::parts::Path;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// The right to book.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClaimBody {
    /// To be sent as `Entry-Token` with bookings.
    entry_token: String,
    /// When it ends: claim again before, e.g. at half the time, to go on.
    expires_at: Timestamp,
    /// When the session ends; no token goes beyond it.
    session_ends_at: Timestamp,
}

/// Turns an admitted place into a session. Repeating it gives the same session, and a token that ends later.
///
/// Who does not claim again before their token ends loses their slot. As long as the session lasts a claim takes one again, if there is room.
#[utoipa::path(post, path = "/v1/events/{event}/queue/claim", operation_id = "claim_place", tag = TAG, security(("access" = [])),
    params(("event" = Uuid, Path), ("Place-Ticket" = String, Header)), responses(
    (status = 200, body = ClaimBody),
    (status = 401, body = ProblemDocument),
    (status = 403, description = "place_ticket_invalid", body = ProblemDocument),
    (status = 409, description = "not_your_turn, not_drawn, no_room_inside, deferred, claim_window_passed, not_in_line, group_leader_claims", body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn claim(
    State(app): State<App>,
    caller: Caller,
    Path(event): Path<EventId>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let signed = own_place_ticket(&app, &headers, event, caller.account)?;
    let claimed = app.waiting_room.claim(event, caller.account, signed).await?;
    let body =
        ClaimBody { entry_token: claimed.entry_token, expires_at: claimed.expires_at, session_ends_at: claimed.session_ends_at };
    Ok(([(header::CACHE_CONTROL, "private, no-store")], axum::Json(body)))
}
