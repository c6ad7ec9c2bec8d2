//! `GET /v1/organizations/{organization}`

use axum::extract::State;
use goticket_domain::OrganizationId;

use super::{OrganizationBody, TAG};
use crate::app::caller::Caller;
use crate::app::organizations::show::show as show_organization;
use crate::inbound::parts::Path;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// An organization, to its members.
#[utoipa::path(get, path = "/v1/organizations/{organization}", operation_id = "show_organization", tag = TAG,
    security(("access" = [])), params(("organization" = Uuid, Path)), responses(
    (status = 200, description = "the organization", body = OrganizationBody),
    (status = 401, description = "access_token_missing, _expired, _invalid", body = ProblemDocument),
    (status = 404, description = "organization_not_found, also for one of others", body = ProblemDocument),
    (status = 503, description = "try again", body = ProblemDocument),
))]
pub(crate) async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(organization): Path<OrganizationId>,
) -> Result<axum::Json<OrganizationBody>, Problem> {
    Ok(axum::Json(show_organization(&app, &caller.subject(), organization).await?.into()))
}
