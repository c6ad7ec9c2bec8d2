//! A member invites somebody by their address. The token is told to the one who invites, once: they pass it on.

use goticket_domain::identity::EmailAddress;
use goticket_domain::identity::organization::{MemberRole, OPEN_INVITATIONS_MAX};
use goticket_domain::policy::{Action, Reason, Resource, Subject};
use goticket_domain::{InvitationId, OrganizationId};
use goticket_storage::organizations;
use goticket_storage::organizations::invitations::{NewInvitation, invite as store};
use jiff::Timestamp;

use super::OrganizationError;
use super::token::InvitationToken;
use crate::fault::Fault;
use crate::services::Services;

/// An invitation that was made.
pub(crate) struct Invited {
    pub(crate) id: InvitationId,
    pub(crate) token: String,
    pub(crate) expires_at: Timestamp,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum InviteError {
    #[error("{OPEN_INVITATIONS_MAX} invitations wait for an answer")]
    TooMany,
    #[error(transparent)]
    Organization(#[from] OrganizationError),
}

impl From<Fault> for InviteError {
    fn from(fault: Fault) -> Self {
        Self::Organization(fault.into())
    }
}

pub(crate) async fn invite(
    app: &Services,
    subject: &Subject,
    organization: OrganizationId,
    email: &EmailAddress,
    role: MemberRole,
) -> Result<Invited, InviteError> {
    let resource = Resource::member(organization, None, role == MemberRole::Owner);
    app.policy.allow(subject, Action::Invite, &resource).await.map_err(OrganizationError::from)?;
    let by = subject.account().ok_or(OrganizationError::Denied(Reason::PersonsOnly))?;
    // An admin is asked about nothing, also about what is not there.
    let known = organizations::find(&app.pool, organization).await.map_err(Fault::from)?;
    known.ok_or(OrganizationError::NotFound)?;
    let token = InvitationToken::generate();
    let new = NewInvitation { organization, email, role, by, token_hash: token.hash() };
    let (id, expires_at) = store(&app.pool, &new).await.map_err(Fault::from)?.ok_or(InviteError::TooMany)?;
    Ok(Invited { id, token: token.to_text(), expires_at })
}
