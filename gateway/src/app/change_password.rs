//! Somebody sets another password: who knew the old one is logged out everywhere else.

use std::net::IpAddr;

use goticket_domain::identity::EmailAddress;
use goticket_storage::accounts;
use uuid::Uuid;

use crate::app::caller::Caller;
use crate::app::passwords::{Busy, Who};
use crate::fault::Fault;
use crate::services::Services;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangePasswordError {
    /// The old one, or it was changed or the account disabled at the same moment.
    #[error("the old password is wrong")]
    Wrong,
    #[error(transparent)]
    Busy(#[from] Busy),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// `new` has been checked against the domain's limits. The session it is done in goes on, the others end.
pub(crate) async fn change_password(
    app: &Services,
    caller: Caller,
    session: Uuid,
    network: IpAddr,
    old: String,
    new: String,
) -> Result<(), ChangePasswordError> {
    let found = accounts::credentials_of(&app.pool, caller.account).await.map_err(Fault::from)?;
    let found = found.ok_or(ChangePasswordError::Wrong)?;
    let account = EmailAddress::parse(&found.account.email)
        .map_err(|error| Fault::Bug(format!("account {}: the address {error}", found.account.id)))?;
    let who = Who { network, account };
    if !app.passwords.check(&who, old, found.password_hash).await?.right {
        return Err(ChangePasswordError::Wrong);
    }
    let hash = app.passwords.hash(&who, new).await?;
    let ended = accounts::change_password(&app.pool, caller.account, found.password_generation, &hash, session).await;
    let ended = ended.map_err(Fault::from)?.ok_or(ChangePasswordError::Wrong)?;
    app.sessions.have_ended(&ended).await;
    Ok(())
}
