//! Somebody proves by a password who they are.

use goticket_domain::identity::Device;
use goticket_storage::accounts;

use crate::app::passwords::{Busy, Who};
use crate::app::sessions::Session;
use crate::fault::Fault;
use crate::services::Services;

#[derive(Debug, thiserror::Error)]
pub(crate) enum LogInError {
    /// Which of the two is wrong, nobody is told.
    #[error("address or password is wrong")]
    Wrong,
    /// The password was right: only its holder is told.
    #[error("the account is disabled")]
    Disabled,
    #[error(transparent)]
    Busy(#[from] Busy),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// An unknown address costs as much as a wrong password.
pub(crate) async fn log_in(app: &Services, who: &Who, password: String, device: &Device) -> Result<Session, LogInError> {
    let found = accounts::credentials(&app.pool, &who.account).await.map_err(Fault::from)?;
    let hash = found.as_ref().and_then(|found| found.password_hash.clone());
    let right = app.passwords.verify(who, password, hash).await?;
    let found = found.filter(|_| right).ok_or(LogInError::Wrong)?;
    if found.disabled {
        return Err(LogInError::Disabled);
    }
    let begun = app.sessions.begin(&app.pool, found.account, found.password_generation, device, app.now()).await?;
    begun.ok_or(LogInError::Wrong)
}
