//! Somebody proves by a password who they are.

use goticket_domain::AccountId;
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
    let checked = app.passwords.check(who, password, hash.clone()).await?;
    let found = found.filter(|_| checked.right).ok_or(LogInError::Wrong)?;
    if let (Some(old), Some(rehashed)) = (hash, checked.rehashed) {
        store_rehashed(app, found.account.id, &old, &rehashed).await;
    }
    if found.disabled {
        return Err(LogInError::Disabled);
    }
    let begun = app.sessions.begin(&app.pool, found.account, found.password_generation, device, app.now()).await?;
    begun.ok_or(LogInError::Wrong)
}

/// Who logs in does not wait for it to succeed: the next log-in does it, too.
async fn store_rehashed(app: &Services, account: AccountId, old: &str, rehashed: &str) {
    match accounts::store_rehashed(&app.pool, account, old, rehashed).await {
        Ok(_) => metrics::counter!("gateway_password_rehashed_total").increment(1),
        Err(error) => tracing::warn!(%account, %error, "a password keeps its old hash"),
    }
}
