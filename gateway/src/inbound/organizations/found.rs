//! `POST /v1/organizations`

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{OrganizationBody, TAG, named};
use crate::app::caller::Caller;
use crate::app::organizations::found::found as found_organization;
use crate::inbound::json::Json;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// An organization to found.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOrganization {
    /// 1 to 200 characters.
    name: String,
}

/// Founds an organization. Whoever does is its owner.
#[utoipa::path(post, path = "/v1/organizations", operation_id = "found_organization", tag = TAG, security(("access" = [])),
    request_body = NewOrganization, responses(
    (status = 201, description = "founded", body = OrganizationBody),
    (status = 401, description = "access_token_missing, _expired, _invalid", body = ProblemDocument),
    (status = 403, description = "role_required", body = ProblemDocument),
    (status = 409, description = "too_many_organizations", body = ProblemDocument),
    (status = 422, description = "also invalid_field", body = ProblemDocument),
    (status = 503, description = "try again", body = ProblemDocument),
))]
pub(crate) async fn found(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<NewOrganization>,
) -> Result<impl IntoResponse, Problem> {
    let seen = found_organization(&app, &caller.subject(), &named(&body.name)?).await?;
    let location = format!("/v1/organizations/{}", seen.organization.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], axum::Json(OrganizationBody::from(seen))))
}
