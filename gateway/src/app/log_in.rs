//! Somebody proves by a password who they are.

use goticket_domain::identity::EmailAddress;
use goticket_storage::accounts;

use crate::app::passwords::Busy;
use crate::app::sessions::Session;
use crate::fault::Fault;
use crate::services::Services;

#[derive(Debug, thiserror::Error)]
pub(crate) enum LogInError {
    /// Which of the two is wrong, nobody is told.
    #[error("address or password is wrong")]
    Wrong,
    #[error(transparent)]
    Busy(#[from] Busy),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// An unknown address costs as much as a wrong password.
pub(crate) async fn log_in(app: &Services, email: &EmailAddress, password: String) -> Result<Session, LogInError> {
    let found = accounts::credentials(&app.pool, email).await.map_err(Fault::from)?;
    let (account, hash) = found.map(|found| (found.account, found.password_hash)).unzip();
    let right = app.passwords.verify(password, hash.flatten()).await?;
    let account = account.filter(|_| right).ok_or(LogInError::Wrong)?;
    Ok(app.sessions.begin(account, app.now()).await?)
}
