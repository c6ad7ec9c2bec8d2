//! An organization gets another name.

use goticket_domain::OrganizationId;
use goticket_domain::identity::organization::OrganizationName;
use goticket_domain::policy::{Action, Subject};
use goticket_storage::organizations;

use super::{OrganizationError, Seen, access};
use crate::fault::Fault;
use crate::services::Services;

pub(crate) async fn change(
    app: &Services,
    subject: &Subject,
    id: OrganizationId,
    name: Option<&OrganizationName>,
) -> Result<Seen, OrganizationError> {
    let mut seen = access(app, subject, Action::ChangeOrganization, id).await?;
    if let Some(name) = name {
        let renamed = organizations::rename(&app.pool, id, name).await.map_err(Fault::from)?;
        if !renamed {
            return Err(OrganizationError::NotFound);
        }
        name.as_str().clone_into(&mut seen.organization.name);
    }
    Ok(seen)
}
