//! Somebody accepts an invitation, and is a member. The token proves the invitation, and the account's verified address that they are meant.

use goticket_domain::identity::EmailAddress;
use goticket_domain::identity::organization::{InvitationRefusal, Membership};
use goticket_domain::policy::{Action, Reason, Resource, Subject};
use goticket_storage::accounts;
use goticket_storage::organizations::invitations::{Accepted, accept};

use super::OrganizationError;
use super::token::InvitationToken;
use crate::fault::Fault;
use crate::services::Services;

#[derive(Debug, thiserror::Error)]
pub(crate) enum AcceptError {
    /// No one was given it, or somebody else.
    #[error("the invitation is none")]
    Invalid,
    #[error("the invitation was accepted before")]
    Used,
    #[error("the invitation has expired")]
    Expired,
    /// The organization has no room for members, or the account none for organizations.
    #[error("there is no room")]
    Full,
    #[error(transparent)]
    Organization(#[from] OrganizationError),
}

impl From<Fault> for AcceptError {
    fn from(fault: Fault) -> Self {
        Self::Organization(fault.into())
    }
}

pub(crate) async fn accept_invitation(app: &Services, subject: &Subject, token: &str) -> Result<Membership, AcceptError> {
    let allowed = app.policy.allow(subject, Action::AcceptInvitation, &Resource::ANY).await;
    allowed.map_err(OrganizationError::from)?;
    let account = subject.account().ok_or(OrganizationError::Denied(Reason::PersonsOnly))?;
    let token = InvitationToken::parse(token).ok_or(AcceptError::Invalid)?;
    let account = accounts::find(&app.pool, account).await.map_err(Fault::from)?.ok_or(AcceptError::Invalid)?;
    let email = EmailAddress::parse(&account.email).map_err(|_| AcceptError::Invalid)?;
    let accepted = accept(&app.pool, &token.hash(), account.id, &email).await.map_err(Fault::from)?;
    app.policy.forget(account.id).await;
    match accepted {
        Accepted::Member(membership) => Ok(membership),
        Accepted::Unknown | Accepted::Refused(InvitationRefusal::Foreign) => Err(AcceptError::Invalid),
        Accepted::Refused(InvitationRefusal::Used) => Err(AcceptError::Used),
        Accepted::Refused(InvitationRefusal::Expired) => Err(AcceptError::Expired),
        Accepted::Full => Err(AcceptError::Full),
    }
}
