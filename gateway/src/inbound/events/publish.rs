//! `POST /v1/events/{event}/publish`

use axum::extract::State;
use goticket_domain::EventId;

use super::{EventBody, TAG};
use crate::app::caller::Caller;
use crate::app::publish_event::publish_event;
use crate::inbound::parts::Path;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// Publishes a draft and makes its waiting room. Publishing again changes nothing.
#[utoipa::path(post, path = "/v1/events/{event}/publish", operation_id = "publish_event", tag = TAG, security(("access" = [])), params(("event" = Uuid, Path)),
    responses(
    (status = 200, body = EventBody),
    (status = 403, description = "not_your_event", body = ProblemDocument),
    (status = 404, body = ProblemDocument),
    (status = 422, description = "event_past", body = ProblemDocument),
))]
pub(crate) async fn publish(
    State(app): State<App>,
    caller: Caller,
    Path(event): Path<EventId>,
) -> Result<axum::Json<EventBody>, Problem> {
    let event = publish_event(&app, &caller.subject(), event).await?;
    Ok(axum::Json(EventBody::from(&*event)))
}
