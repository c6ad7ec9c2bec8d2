//! `POST /v1/events/{event}/onsales`

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use goticket_domain::EventId;
use goticket_domain::catalog::{Offer, OnsaleKind};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

use super::create::QueueSettings;
use super::{EventBody, TAG};
use crate::app::caller::Caller;
use crate::app::create_onsale::{NewOnsale, create_onsale};
use crate::inbound::json::Json;
use crate::inbound::parts::Path;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// A further onsale of an event.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OnsaleDraft {
    /// `accessible`: some price categories, for those who need them. `second_draw`: what came back after every other line was closed.
    #[schema(value_type = String)]
    kind: OnsaleKind,
    /// The event's own, if it is left out.
    title: Option<String>,
    /// Numbers of price categories; none for a second draw, which is for all of them.
    #[serde(default)]
    categories: Vec<u16>,
    lobby_opens_at: Timestamp,
    onsale_at: Timestamp,
    #[serde(default)]
    queue: QueueSettings,
}

/// Opens a further onsale: a line of its own, with its own draw, for seats of this event. It is listed as an event; fans who come through its
/// line book at this one.
#[utoipa::path(post, path = "/v1/events/{event}/onsales", operation_id = "create_onsale", tag = TAG, security(("access" = [])), params(("event" = Uuid, Path)),
    request_body = OnsaleDraft, responses(
    (status = 201, body = EventBody),
    (status = 403, description = "not_your_event", body = ProblemDocument),
    (status = 404, body = ProblemDocument),
    (status = 409, description = "not_published, lobby_open, still_selling, onsale_of_another", body = ProblemDocument),
    (status = 422, body = ProblemDocument),
))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Path(event): Path<EventId>,
    Json(body): Json<OnsaleDraft>,
) -> Result<impl IntoResponse, Problem> {
    let OnsaleDraft { kind, title, categories, lobby_opens_at, onsale_at, queue } = body;
    let new = NewOnsale { title, offer: Offer { kind, categories, lobby_opens_at, onsale_at }, queue: queue.into() };
    let onsale = create_onsale(&app, &caller.subject(), event, new).await?;
    let location = format!("/v1/events/{}", onsale.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], axum::Json(EventBody::from(&*onsale))))
}
