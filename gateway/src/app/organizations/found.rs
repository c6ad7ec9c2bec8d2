//! An organizer founds an organization, and is its owner.

use goticket_domain::identity::organization::{MEMBERSHIPS_MAX, MemberRole, OrganizationName};
use goticket_domain::policy::{Action, Reason, Resource, Subject};
use goticket_storage::organizations;

use super::{OrganizationError, Seen};
use crate::fault::Fault;
use crate::services::Services;

#[derive(Debug, thiserror::Error)]
pub(crate) enum FoundError {
    #[error("an account is a member of at most {MEMBERSHIPS_MAX} organizations")]
    TooMany,
    #[error(transparent)]
    Organization(#[from] OrganizationError),
}

pub(crate) async fn found(app: &Services, subject: &Subject, name: &OrganizationName) -> Result<Seen, FoundError> {
    let allowed = app.policy.allow(subject, Action::FoundOrganization, &Resource::ANY).await;
    allowed.map_err(OrganizationError::from)?;
    let founder = subject.account().ok_or(OrganizationError::Denied(Reason::PersonsOnly))?;
    let founded = organizations::found(&app.pool, founder, name).await.map_err(Fault::from).map_err(OrganizationError::from)?;
    app.policy.forget(founder).await;
    Ok(Seen { organization: founded.ok_or(FoundError::TooMany)?, role: Some(MemberRole::Owner) })
}
