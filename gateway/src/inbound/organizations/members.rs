//! `GET /v1/organizations/{organization}/members`, `PUT|DELETE /v1/organizations/{organization}/members/{account}`

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use goticket_domain::OrganizationId;
use goticket_domain::identity::organization::MemberRole;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{MemberPath, TAG};
use crate::app::caller::Caller;
use crate::app::organizations::change_member::change_member;
use crate::app::organizations::list_members::{Member, list_members};
use crate::app::organizations::remove_member::remove_member;
use crate::inbound::json::Json;
use crate::inbound::parts::Path;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// A member of an organization.
#[derive(Serialize, ToSchema)]
pub(crate) struct MemberBody {
    account: Uuid,
    email: String,
    name: String,
    /// `owner`, `manager`, `box_office`, `check_in` or `finance`.
    #[schema(value_type = String)]
    role: MemberRole,
    /// Since when they are a member.
    since: Timestamp,
}

/// All members of an organization.
#[derive(Serialize, ToSchema)]
pub(crate) struct MembersBody {
    /// The first first; at most 500.
    items: Vec<MemberBody>,
}

/// What a member is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberChange {
    /// `owner`, `manager`, `box_office`, `check_in` or `finance`.
    #[schema(value_type = String)]
    role: MemberRole,
}

impl From<Member> for MemberBody {
    fn from(Member { account, email, name, role, since }: Member) -> Self {
        Self { account: account.0, email, name, role, since }
    }
}

/// Who an organization's members are; for its owners and managers.
#[utoipa::path(get, path = "/v1/organizations/{organization}/members", operation_id = "list_members", tag = TAG,
    security(("access" = [])), params(("organization" = Uuid, Path)), responses(
    (status = 200, description = "all members", body = MembersBody),
    (status = 401, description = "access_token_missing, _expired, _invalid", body = ProblemDocument),
    (status = 403, description = "member_role_required", body = ProblemDocument),
    (status = 404, description = "organization_not_found, also for one of others", body = ProblemDocument),
    (status = 503, description = "try again", body = ProblemDocument),
))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(organization): Path<OrganizationId>,
) -> Result<impl IntoResponse, Problem> {
    let members = list_members(&app, &caller.subject(), organization).await?;
    let items = members.into_iter().map(MemberBody::from).collect();
    Ok(([(header::CACHE_CONTROL, "private, no-store")], axum::Json(MembersBody { items })))
}

/// Gives a member another role, for owners and managers; who the owners are only owners decide. It acts at once, but for plain reads, within a
/// minute. Who is no member yet is invited.
#[utoipa::path(put, path = "/v1/organizations/{organization}/members/{account}", operation_id = "change_member", tag = TAG,
    security(("access" = [])), params(("organization" = Uuid, Path), ("account" = Uuid, Path)), request_body = MemberChange, responses(
    (status = 204, description = "it is so now"),
    (status = 401, description = "access_token_missing, _expired, _invalid", body = ProblemDocument),
    (status = 403, description = "member_role_required, owner_required", body = ProblemDocument),
    (status = 404, description = "organization_not_found, also for one of others; member_not_found", body = ProblemDocument),
    (status = 409, description = "last_owner, member_changed", body = ProblemDocument),
    (status = 422, description = "also invalid_field", body = ProblemDocument),
    (status = 503, description = "try again", body = ProblemDocument),
))]
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(MemberPath { organization, account }): Path<MemberPath>,
    Json(body): Json<MemberChange>,
) -> Result<StatusCode, Problem> {
    change_member(&app, &caller.subject(), organization, account, body.role).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a member, for owners and managers; whoever wants to leave removes themselves. What they invited others to and was not accepted yet is
/// withdrawn.
#[utoipa::path(delete, path = "/v1/organizations/{organization}/members/{account}", operation_id = "remove_member", tag = TAG,
    security(("access" = [])), params(("organization" = Uuid, Path), ("account" = Uuid, Path)), responses(
    (status = 204, description = "removed, or was none"),
    (status = 401, description = "access_token_missing, _expired, _invalid", body = ProblemDocument),
    (status = 403, description = "member_role_required, owner_required", body = ProblemDocument),
    (status = 404, description = "organization_not_found, also for one of others", body = ProblemDocument),
    (status = 409, description = "last_owner, member_changed", body = ProblemDocument),
    (status = 503, description = "try again", body = ProblemDocument),
))]
pub(crate) async fn remove(
    State(app): State<App>,
    caller: Caller,
    Path(MemberPath { organization, account }): Path<MemberPath>,
) -> Result<StatusCode, Problem> {
    remove_member(&app, &caller.subject(), organization, account).await?;
    Ok(StatusCode::NO_CONTENT)
}
