//! `PATCH /v1/events/{event}`

use axum::extract::State;
use goticket_domain::EventId;
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{EventBody, TAG};
use crate::app::caller::Caller;
use crate::app::change_event::{Change, change_event};
use crate::inbound::json::Json;
use crate::inbound::parts::Path;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// What is to be changed; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventChange {
    title: Option<String>,
    starts_at: Option<Timestamp>,
    lobby_opens_at: Option<Timestamp>,
    onsale_at: Option<Timestamp>,
    hold_seconds: Option<u32>,
    ticket_limit: Option<u32>,
}

/// Corrects a draft; of a published event only the title.
#[utoipa::path(patch, path = "/v1/events/{event}", operation_id = "change_event", tag = TAG, security(("access" = [])), params(("event" = Uuid, Path)),
    request_body = EventChange, responses(
    (status = 200, body = EventBody),
    (status = 403, description = "not_your_event", body = ProblemDocument),
    (status = 409, description = "event_published", body = ProblemDocument),
    (status = 422, body = ProblemDocument),
))]
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(event): Path<EventId>,
    Json(body): Json<EventChange>,
) -> Result<axum::Json<EventBody>, Problem> {
    let change = Change {
        title: body.title.map(|title| title.trim().to_owned()),
        starts_at: body.starts_at,
        lobby_opens_at: body.lobby_opens_at,
        onsale_at: body.onsale_at,
        hold_seconds: body.hold_seconds,
        ticket_limit: body.ticket_limit,
    };
    let event = change_event(&app, &caller.subject(), event, change).await?;
    Ok(axum::Json(EventBody::from(&event)))
}
