//! `GET /v1/events`

use axum::extract::State;
use goticket_domain::EventId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{EventBody, TAG};
use crate::app::caller::{Caller, subject};
use crate::app::list_events::list_events;
use crate::inbound::parts::{Query, page_size};
use crate::inbound::problem::Problem;
use crate::inbound::venues::PageQuery;
use crate::services::App;

/// A page of events.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventPage {
    items: Vec<EventBody>,
    /// For the next page; null on the last one.
    next_cursor: Option<Uuid>,
}

/// Published events; an organization's managers see its drafts, an admin all.
#[utoipa::path(get, path = "/v1/events", operation_id = "list_events", tag = TAG, security((), ("access" = [])), params(PageQuery), responses(
    (status = 200, body = EventPage),
))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Option<Caller>,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<EventPage>, Problem> {
    let limit = page_size(query.limit)?;
    let found = list_events(&app, &subject(caller), query.cursor.map(EventId), limit).await?;
    let full = found.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    let next_cursor = found.last().filter(|_| full).map(|event| event.id.0);
    Ok(axum::Json(EventPage { items: found.iter().map(EventBody::from).collect(), next_cursor }))
}
