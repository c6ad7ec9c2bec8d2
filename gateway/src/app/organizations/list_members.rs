//! Who an organization's members are.

use goticket_domain::OrganizationId;
use goticket_domain::policy::{Action, Subject};
use goticket_storage::organizations;
pub(crate) use goticket_storage::organizations::Member;

use super::{OrganizationError, access};
use crate::fault::Fault;
use crate::services::Services;

pub(crate) async fn list_members(
    app: &Services,
    subject: &Subject,
    id: OrganizationId,
) -> Result<Vec<Member>, OrganizationError> {
    access(app, subject, Action::ListMembers, id).await?;
    Ok(organizations::members(&app.pool, id).await.map_err(Fault::from)?)
}
