//! A member gets another role. It acts at once, but for plain reads.

use goticket_domain::identity::organization::MemberRole;
use goticket_domain::policy::{Action, Resource, Subject};
use goticket_domain::{AccountId, OrganizationId};
use goticket_storage::organizations::{self, Change};

use super::{MemberError, OrganizationError};
use crate::fault::Fault;
use crate::services::Services;

pub(crate) async fn change_member(
    app: &Services,
    subject: &Subject,
    id: OrganizationId,
    account: AccountId,
    role: MemberRole,
) -> Result<(), MemberError> {
    let from = organizations::role_of(&app.pool, id, account).await.map_err(Fault::from)?;
    let concerns_owners = from == Some(MemberRole::Owner) || role == MemberRole::Owner;
    let member = Resource::member(id, Some(account), concerns_owners);
    app.policy.allow(subject, Action::ChangeMember, &member).await.map_err(OrganizationError::from)?;
    let from = from.ok_or(MemberError::NotFound)?;
    let change = organizations::change_member(&app.pool, id, account, from, role).await.map_err(Fault::from)?;
    app.policy.forget(account).await;
    match change {
        Change::Done => Ok(()),
        Change::Moved => Err(MemberError::Moved),
        Change::LastOwner => Err(MemberError::LastOwner),
    }
}
