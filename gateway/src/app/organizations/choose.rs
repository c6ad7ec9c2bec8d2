//! To which organization something new belongs.

use goticket_domain::OrganizationId;
use goticket_domain::identity::Role;
use goticket_domain::identity::organization::Membership;
use goticket_domain::policy::{Action, Decision, Reason, Resource, Subject, User, decide};
use goticket_storage::organizations::{self, Own};

use crate::app::policy::Refused;
use crate::fault::Fault;
use crate::services::Services;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ChooseError {
    /// Unknown, or none of theirs.
    #[error("no such organization")]
    Unknown,
    /// They are in several, and named none.
    #[error("which organization is not said")]
    NotSaid,
    /// They are in as many as one may be, and may do this in none.
    #[error("too many organizations")]
    TooMany,
    #[error("denied: {0:?}")]
    Denied(Reason),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<Refused> for ChooseError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Hidden => Self::Unknown,
            Refused::Denied(reason) => Self::Denied(reason),
            Refused::Fault(fault) => Self::Fault(fault),
        }
    }
}

/// The organization that is named, if they may do this there. Where none is, the only one in which they may; an organizer who may in none gets one, which is
/// called as they are: whoever sells for themselves need not know of organizations.
pub(crate) async fn choose(
    app: &Services,
    subject: &Subject,
    action: Action,
    named: Option<OrganizationId>,
) -> Result<OrganizationId, ChooseError> {
    if let Some(id) = named {
        app.policy.allow(subject, action, &Resource::of(id)).await?;
        let known = organizations::find(&app.pool, id).await.map_err(Fault::from)?;
        return known.map(|organization| organization.id).ok_or(ChooseError::Unknown);
    }
    app.policy.allow(subject, action, &Resource::ANY).await?;
    let account = match subject {
        Subject::User(user) => user.account,
        Subject::Key { organization, .. } => return Ok(*organization),
        Subject::Anonymous | Subject::Service { .. } => return Err(ChooseError::NotSaid),
    };
    let may = |member: &Membership| {
        let only = User { account, role: Role::User, email_verified: false, memberships: vec![*member] };
        decide(&Subject::User(only), action, &Resource::of(member.organization)) == Decision::Allow
    };
    match organizations::only_or_first(&app.pool, account, may).await.map_err(Fault::from)? {
        Own::Is(organization) => {
            app.policy.forget(account).await;
            Ok(organization)
        }
        Own::Several => Err(ChooseError::NotSaid),
        Own::Full => Err(ChooseError::TooMany),
    }
}
