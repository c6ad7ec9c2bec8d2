//! `POST /v1/invitations/accept`

use axum::extract::State;
use goticket_domain::identity::organization::MemberRole;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::TAG;
use crate::app::caller::Caller;
use crate::app::organizations::accept_invitation::accept_invitation;
use crate::inbound::json::Json;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// What proves the invitation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Acceptance {
    token: String,
}

/// Where the caller is a member now.
#[derive(Serialize, ToSchema)]
pub(crate) struct MembershipBody {
    organization: Uuid,
    /// `owner`, `manager`, `box_office`, `check_in` or `finance`. Who was a member before stays what they were.
    #[schema(value_type = String)]
    role: MemberRole,
}

/// Accepts an invitation, once. The account's address is verified, and the one that was invited.
#[utoipa::path(post, path = "/v1/invitations/accept", operation_id = "accept_invitation", tag = TAG, security(("access" = [])),
    request_body = Acceptance, responses(
    (status = 200, description = "the caller is a member", body = MembershipBody),
    (status = 401, description = "access_token_missing, _expired, _invalid", body = ProblemDocument),
    (status = 403, description = "email_not_verified", body = ProblemDocument),
    (status = 409, description = "no_room_for_members", body = ProblemDocument),
    (status = 422, description = "invitation_invalid, invitation_used, invitation_expired", body = ProblemDocument),
    (status = 503, description = "try again", body = ProblemDocument),
))]
pub(crate) async fn accept(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<Acceptance>,
) -> Result<axum::Json<MembershipBody>, Problem> {
    let member = accept_invitation(&app, &caller.subject(), body.token.trim()).await?;
    Ok(axum::Json(MembershipBody { organization: member.organization.0, role: member.role }))
}
