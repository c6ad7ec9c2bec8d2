//! `GET /v1/events/{event}/queue/challenge`

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use goticket_domain::EventId;
use goticket_domain::policy::Action;

use super::TAG;
use crate::app::caller::Caller;
use crate::inbound::parts::Path;
use crate::inbound::problem::{ChallengeBody, Problem, ProblemDocument};
use crate::services::App;

/// What the caller has to solve before they join, in altcha's form. The solution is good for five minutes and for their account only. A
/// place that is taken needs none.
#[utoipa::path(get, path = "/v1/events/{event}/queue/challenge", operation_id = "make_challenge", tag = TAG, security(("access" = [])),
    params(("event" = Uuid, Path)), responses(
    (status = 200, body = ChallengeBody),
    (status = 204, description = "the room asks for no proof of work"),
    (status = 404, body = ProblemDocument),
    (status = 409, description = "room_not_open, room_closed", body = ProblemDocument),
    (status = 429, description = "rate_limited", body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn challenge(
    State(app): State<App>,
    caller: Caller,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(event): Path<EventId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.queue_limits.challenge(caller.account, app.addresses.network(peer, &headers))?;
    super::expect_room(&app, &caller.subject(), Action::MakeChallenge, event).await?;
    let no_store = [(header::CACHE_CONTROL, "private, no-store")];
    Ok(match app.waiting_room.challenge(event, caller.account).await? {
        Some(challenge) => (no_store, axum::Json(ChallengeBody::from(challenge))).into_response(),
        None => (StatusCode::NO_CONTENT, no_store).into_response(),
    })
}
