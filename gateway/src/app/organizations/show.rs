//! A member looks at their organization.

use goticket_domain::OrganizationId;
use goticket_domain::policy::{Action, Subject};

use super::{OrganizationError, Seen, access};
use crate::services::Services;

pub(crate) async fn show(app: &Services, subject: &Subject, id: OrganizationId) -> Result<Seen, OrganizationError> {
    access(app, subject, Action::ShowOrganization, id).await
}
