//! `PATCH /v1/organizations/{organization}`

use axum::extract::State;
use goticket_domain::OrganizationId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{OrganizationBody, TAG, named};
use crate::app::caller::Caller;
use crate::app::organizations::change::change as change_organization;
use crate::inbound::json::Json;
use crate::inbound::parts::Path;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// What is to be changed; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrganizationChange {
    /// 1 to 200 characters.
    name: Option<String>,
}

/// Changes an organization; for its owners and managers.
#[utoipa::path(patch, path = "/v1/organizations/{organization}", operation_id = "change_organization", tag = TAG,
    security(("access" = [])), params(("organization" = Uuid, Path)), request_body = OrganizationChange, responses(
    (status = 200, description = "as it is now", body = OrganizationBody),
    (status = 401, description = "access_token_missing, _expired, _invalid", body = ProblemDocument),
    (status = 403, description = "member_role_required", body = ProblemDocument),
    (status = 404, description = "organization_not_found, also for one of others", body = ProblemDocument),
    (status = 422, description = "also invalid_field", body = ProblemDocument),
    (status = 503, description = "try again", body = ProblemDocument),
))]
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(organization): Path<OrganizationId>,
    Json(body): Json<OrganizationChange>,
) -> Result<axum::Json<OrganizationBody>, Problem> {
    let name = body.name.as_deref().map(named).transpose()?;
    Ok(axum::Json(change_organization(&app, &caller.subject(), organization, name.as_ref()).await?.into()))
}
