//! `DELETE /v1/events/{event}/queue`

use axum::extract::State;
use axum::http::StatusCode;
use goticket_domain::EventId;
use goticket_domain::policy::Action;

use super::TAG;
use crate::app::caller::Caller;
use crate::inbound::parts::Path;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// Gives the place or the session back. Who stands in a group leaves it; the group ends with its leader's place.
#[utoipa::path(delete, path = "/v1/events/{event}/queue", operation_id = "leave_queue", tag = TAG, security(("access" = [])), params(("event" = Uuid, Path)),
    responses(
    (status = 204, description = "given back, or was not there"),
    (status = 404, body = ProblemDocument),
    (status = 409, description = "group_closed: the lobby is closed, and the place is the whole group's", body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn leave(State(app): State<App>, caller: Caller, Path(event): Path<EventId>) -> Result<StatusCode, Problem> {
    super::expect_room(&app, &caller.subject(), Action::LeaveQueue, event).await?;
    app.waiting_room.leave(event, caller.account).await?;
    Ok(StatusCode::NO_CONTENT)
}
