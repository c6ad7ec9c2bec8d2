//! `POST /v1/organizations/{organization}/invitations`

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use goticket_domain::OrganizationId;
use goticket_domain::identity::EmailAddress;
use goticket_domain::identity::organization::MemberRole;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::TAG;
use crate::app::caller::Caller;
use crate::app::organizations::invite::invite as invite_member;
use crate::inbound::json::Json;
use crate::inbound::parts::Path;
use crate::inbound::problem::{FieldError, Problem, ProblemDocument};
use crate::services::App;

/// Who is to become a member, and as what.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewInvitation {
    /// Only an account with this address, verified, can accept.
    email: String,
    /// `owner`, `manager`, `box_office`, `check_in` or `finance`.
    #[schema(value_type = String)]
    role: MemberRole,
}

/// An invitation, as it is told once.
#[derive(Serialize, ToSchema)]
pub(crate) struct InvitationBody {
    id: Uuid,
    email: String,
    /// `owner`, `manager`, `box_office`, `check_in` or `finance`.
    #[schema(value_type = String)]
    role: MemberRole,
    /// To be passed on to who is meant: they accept with it. It is told this once.
    token: String,
    expires_at: Timestamp,
}

/// Invites somebody, for owners and managers; owners are invited by owners. Nothing is mailed: pass the token on.
#[utoipa::path(post, path = "/v1/organizations/{organization}/invitations", operation_id = "invite", tag = TAG,
    security(("access" = [])), params(("organization" = Uuid, Path)), request_body = NewInvitation, responses(
    (status = 201, description = "made", body = InvitationBody),
    (status = 401, description = "access_token_missing, _expired, _invalid", body = ProblemDocument),
    (status = 403, description = "member_role_required, owner_required", body = ProblemDocument),
    (status = 404, description = "organization_not_found, also for one of others", body = ProblemDocument),
    (status = 409, description = "too_many_invitations", body = ProblemDocument),
    (status = 422, description = "also invalid_field", body = ProblemDocument),
    (status = 503, description = "try again", body = ProblemDocument),
))]
pub(crate) async fn invite(
    State(app): State<App>,
    caller: Caller,
    Path(organization): Path<OrganizationId>,
    Json(body): Json<NewInvitation>,
) -> Result<impl IntoResponse, Problem> {
    let email = EmailAddress::parse(&body.email)
        .map_err(|error| Problem::invalid(vec![FieldError::pointer("/email", error.to_string())]))?;
    let made = invite_member(&app, &caller.subject(), organization, &email, body.role).await?;
    let body = InvitationBody {
        id: made.id.0,
        email: email.as_str().to_owned(),
        role: body.role,
        token: made.token,
        expires_at: made.expires_at,
    };
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], axum::Json(body)))
}
