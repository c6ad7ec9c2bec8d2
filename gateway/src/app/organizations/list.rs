//! Somebody looks at the organizations in which they are a member; an admin at all.

use goticket_domain::OrganizationId;
use goticket_domain::policy::{Action, Reach, Resource, Subject, reach};
use goticket_storage::organizations;

use super::{OrganizationError, Seen, role_in};
use crate::fault::Fault;
use crate::services::Services;

/// At most `limit` after `after`, by id.
pub(crate) async fn list(
    app: &Services,
    subject: &Subject,
    after: Option<OrganizationId>,
    limit: u32,
) -> Result<Vec<Seen>, OrganizationError> {
    app.policy.allow(subject, Action::ListOrganizations, &Resource::ANY).await?;
    let subject = app.policy.with_rights(subject, Action::ShowOrganization).await?;
    let of = match reach(&subject, Action::ShowOrganization) {
        Reach::Everywhere => None,
        Reach::In(organizations) => Some(organizations),
    };
    let found = organizations::list(&app.pool, of.as_deref(), after, limit).await.map_err(Fault::from)?;
    let seen = |organization: organizations::Organization| Seen { role: role_in(&subject, organization.id), organization };
    Ok(found.into_iter().map(seen).collect())
}
