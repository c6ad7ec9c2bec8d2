//! A member is removed, or leaves. Repeating it changes nothing.

use goticket_domain::identity::organization::MemberRole;
use goticket_domain::policy::{Action, Resource, Subject};
use goticket_domain::{AccountId, OrganizationId};
use goticket_storage::organizations::{self, Change};

use super::{MemberError, OrganizationError};
use crate::fault::Fault;
use crate::services::Services;

pub(crate) async fn remove_member(
    app: &Services,
    subject: &Subject,
    id: OrganizationId,
    account: AccountId,
) -> Result<(), MemberError> {
    let from = organizations::role_of(&app.pool, id, account).await.map_err(Fault::from)?;
    // Who is no member has nothing to leave: to them it is an organization like any other.
    let holder = from.map(|_| account);
    let member = Resource::member(id, holder, from == Some(MemberRole::Owner));
    app.policy.allow(subject, Action::RemoveMember, &member).await.map_err(OrganizationError::from)?;
    let Some(from) = from else { return Ok(()) };
    let change = organizations::remove_member(&app.pool, id, account, from).await.map_err(Fault::from)?;
    app.policy.forget(account).await;
    match change {
        Change::Done => Ok(()),
        Change::Moved => Err(MemberError::Moved),
        Change::LastOwner => Err(MemberError::LastOwner),
    }
}
