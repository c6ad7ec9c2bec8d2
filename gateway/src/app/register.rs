//! A fan makes an account.

use std::sync::Arc;

use goticket_domain::identity::{Device, EmailAddress, Role};
use goticket_storage::accounts;

use crate::app::passwords::{Busy, Who};
use crate::app::reset_password;
use crate::app::sessions::Session;
use crate::app::verify_email::send_link;
use crate::fault::Fault;
use crate::services::Services;

/// Of the passwords of an account that is just made.
const NEW_GENERATION: i32 = 0;

#[derive(Debug, thiserror::Error)]
pub(crate) enum RegisterError {
    #[error("the address is taken")]
    EmailTaken,
    #[error(transparent)]
    Busy(#[from] Busy),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The address, `name` and `password` have been checked against the domain's limits.
pub(crate) async fn register(
    app: &Arc<Services>,
    who: &Who,
    name: &str,
    password: String,
    device: &Device,
) -> Result<Session, RegisterError> {
    let hash = app.passwords.hash(who, password).await?;
    let account = accounts::insert(&app.pool, &who.account, name, Role::User, Some(&hash)).await.map_err(Fault::from)?;
    let Some(account) = account else {
        offer_reset(app, &who.account).await?;
        return Err(RegisterError::EmailTaken);
    };
    // Whoever gets no mail can ask for it again: registering does not depend on the broker.
    if let Err(error) = send_link(app, &account).await {
        tracing::warn!(account = %account.id, %error, "a new account's verification mail is not on its way");
    }
    let begun = app.sessions.begin(&app.pool, account, NEW_GENERATION, device, app.now()).await?;
    // Gone or disabled within the moment since it was made.
    begun.ok_or_else(|| Fault::Bug("a new account has no session".to_owned()).into())
}

/// Somebody may have made an account with an address that is not theirs. Its holder, who registers now, sets the password by the mail that they
/// get, not the one they just chose: that would be anybody's choice, which the holder only confirms.
async fn offer_reset(app: &Arc<Services>, email: &EmailAddress) -> Result<(), Fault> {
    let taken = accounts::credentials(&app.pool, email).await?;
    if taken.is_some_and(|taken| taken.account.email_verified_at.is_none()) {
        reset_password::ask(app, email.clone());
    }
    Ok(())
}
