//! `GET /v1/organizations`

use axum::extract::State;
use goticket_domain::OrganizationId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{OrganizationBody, TAG};
use crate::app::caller::Caller;
use crate::app::organizations::list::list as list_organizations;
use crate::inbound::parts::{Query, page_size};
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::inbound::venues::PageQuery;
use crate::services::App;

/// A page of organizations.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrganizationPage {
    items: Vec<OrganizationBody>,
    /// For the next page; null on the last one.
    next_cursor: Option<Uuid>,
}

/// The organizations in which the caller is a member; an admin's are all.
#[utoipa::path(get, path = "/v1/organizations", operation_id = "list_organizations", tag = TAG, security(("access" = [])),
    params(PageQuery), responses(
    (status = 200, description = "a page", body = OrganizationPage),
    (status = 400, description = "invalid_query", body = ProblemDocument),
    (status = 401, description = "access_token_missing, _expired, _invalid", body = ProblemDocument),
    (status = 503, description = "try again", body = ProblemDocument),
))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<OrganizationPage>, Problem> {
    let limit = page_size(query.limit)?;
    // One more than is shown says whether there is another page.
    let mut found = list_organizations(&app, &caller.subject(), query.cursor.map(OrganizationId), limit + 1).await?;
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > size;
    found.truncate(size);
    let next_cursor = found.last().filter(|_| more).map(|last| last.organization.id.0);
    Ok(axum::Json(OrganizationPage { items: found.into_iter().map(Into::into).collect(), next_cursor }))
}
