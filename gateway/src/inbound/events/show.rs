//! `GET /v1/events/{event}`

use axum::extract::State;
use goticket_domain::EventId;
use goticket_domain::policy::Action;

use super::{EventBody, TAG};
use crate::app::caller::{Caller, subject};
use crate::inbound::parts::Path;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// One event; a draft only for its organizer and admins.
#[utoipa::path(get, path = "/v1/events/{event}", operation_id = "show_event", tag = TAG, security((), ("access" = [])), params(("event" = Uuid, Path)), responses(
    (status = 200, body = EventBody),
    (status = 404, body = ProblemDocument),
))]
pub(crate) async fn show(
    State(app): State<App>,
    caller: Option<Caller>,
    Path(event): Path<EventId>,
) -> Result<axum::Json<EventBody>, Problem> {
    let event = app.catalog.access(&subject(caller), Action::ShowEvent, event).await?;
    Ok(axum::Json(EventBody::from(&*event)))
}
