//! `GET /v1/events`

use axum::extract::State;
use goticket_domain::EventId;
use goticket_domain::identity::Role;
use goticket_storage::events::{self, Drafts};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{EventBody, TAG};
use crate::app::caller::Caller;
use crate::fault::Fault;
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

/// Published events; an organizer sees their drafts, an admin all.
#[utoipa::path(get, path = "/v1/events", operation_id = "list_events", tag = TAG, security((), ("access" = [])), params(PageQuery), responses(
    (status = 200, body = EventPage),
))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Option<Caller>,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<EventPage>, Problem> {
    let limit = page_size(query.limit)?;
    let drafts = match caller {
        Some(Caller { role: Role::Admin, .. }) => Drafts::All,
        Some(Caller { role: Role::Organizer, account }) => Drafts::Of(account),
        _ => Drafts::None,
    };
    let found = events::list(&app.pool, drafts, query.cursor.map(EventId), limit).await.map_err(Fault::from)?;
    let full = found.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    let next_cursor = found.last().filter(|_| full).map(|event| event.id.0);
    Ok(axum::Json(EventPage { items: found.iter().map(EventBody::from).collect(), next_cursor }))
}
