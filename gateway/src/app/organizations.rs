//! Organizations: who founds them, and who their members are.

pub(crate) mod accept_invitation;
pub(crate) mod change;
pub(crate) mod change_member;
pub(crate) mod choose;
pub(crate) mod found;
pub(crate) mod invite;
pub(crate) mod list;
pub(crate) mod list_members;
pub(crate) mod remove_member;
pub(crate) mod show;
mod token;

use goticket_domain::OrganizationId;
use goticket_domain::identity::organization::MemberRole;
use goticket_domain::policy::{Action, Reason, Resource, Subject};
use goticket_storage::organizations::{self, Organization};

use crate::app::policy::Refused;
use crate::fault::Fault;
use crate::services::Services;

/// Why somebody does not get at an organization.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OrganizationError {
    /// Unknown, or none of theirs: which of them, no one is told.
    #[error("no such organization")]
    NotFound,
    #[error("denied: {0:?}")]
    Denied(Reason),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<Refused> for OrganizationError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Hidden => Self::NotFound,
            Refused::Denied(reason) => Self::Denied(reason),
            Refused::Fault(fault) => Self::Fault(fault),
        }
    }
}

/// Why a member is not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MemberError {
    #[error("no such member")]
    NotFound,
    /// Nobody could do what only owners do.
    #[error("they are the last owner")]
    LastOwner,
    #[error("somebody else changed their role meanwhile")]
    Moved,
    #[error(transparent)]
    Organization(#[from] OrganizationError),
}

impl From<Fault> for MemberError {
    fn from(fault: Fault) -> Self {
        Self::Organization(fault.into())
    }
}

/// An organization, and what the one who looks at it is there.
pub(crate) struct Seen {
    pub(crate) organization: Organization,
    /// None for an admin who is no member.
    pub(crate) role: Option<MemberRole>,
}

/// The only way to an organization.
async fn access(app: &Services, subject: &Subject, action: Action, id: OrganizationId) -> Result<Seen, OrganizationError> {
    app.policy.allow(subject, action, &Resource::of(id)).await?;
    let organization = organizations::find(&app.pool, id).await.map_err(Fault::from)?;
    let organization = organization.ok_or(OrganizationError::NotFound)?;
    let role = role_in(&*app.policy.with_rights(subject, action).await?, id);
    Ok(Seen { organization, role })
}

fn role_in(subject: &Subject, id: OrganizationId) -> Option<MemberRole> {
    match subject {
        Subject::User(user) => user.role_in(id),
        Subject::Anonymous | Subject::Key { .. } | Subject::Service { .. } => None,
    }
}
