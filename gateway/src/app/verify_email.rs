//! Somebody shows that an address is theirs: they get a mail with a link, and whoever has the link has read the mail.

use goticket_contracts::tasks::VerifyTask;
use goticket_domain::identity::EmailAddress;
use goticket_storage::accounts::{self, Account};
use goticket_tokens::TokenError;
use jiff::SignedDuration;
use uuid::Uuid;

use crate::app::caller::Caller;
use crate::fault::Fault;
use crate::services::Services;

/// How long a link is good, in hours: a mail that is read the next day still is.
pub(crate) const LINK_LIFE_H: u32 = 24;

/// Why an address is not verified by a link.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VerifyError {
    /// No one was sent it, or it is of another address than the account has now.
    #[error("the link is none of ours")]
    Invalid,
    #[error("the link was good until a while ago")]
    Expired,
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What came of asking for a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The mail is on its way.
    Sent,
    /// The address is verified already, or the account is gone.
    NotNeeded,
}

/// Sends the link to an account's address.
pub(crate) async fn send_link(app: &Services, account: &Account) -> Result<(), Fault> {
    let email = EmailAddress::parse(&account.email)
        .map_err(|error| Fault::Bug(format!("account {}: the address {error}", account.id)))?;
    let now = app.now();
    let expires_at = now.checked_add(SignedDuration::from_hours(i64::from(LINK_LIFE_H))).unwrap_or(now);
    let proof = app.email_proofs.sign(account.id, &email, expires_at);
    let task = VerifyTask {
        id: Uuid::now_v7(),
        address: account.email.clone(),
        name: account.name.clone(),
        // In the fragment: no server, proxy or referrer sees it.
        link: format!("{}#{proof}", app.verify_page),
        asked_at: now,
        good_for_h: LINK_LIFE_H,
        attempts: 0,
    };
    app.verifications.send(&task).await
}

/// Once more, for whoever missed it.
pub(crate) async fn ask_again(app: &Services, caller: Caller) -> Result<Asked, Fault> {
    let Some(account) = accounts::find(&app.pool, caller.account).await? else { return Ok(Asked::NotNeeded) };
    if account.email_verified_at.is_some() {
        return Ok(Asked::NotNeeded);
    }
    send_link(app, &account).await.map(|()| Asked::Sent)
}

/// The link was followed. Who follows it need not be logged in: reading the mail is the proof. Following it twice changes nothing.
pub(crate) async fn verify_email(app: &Services, proof: &str) -> Result<(), VerifyError> {
    let proof = app.email_proofs.verify(proof, app.now()).map_err(|error| match error {
        TokenError::Expired { .. } => VerifyError::Expired,
        _ => VerifyError::Invalid,
    })?;
    let account = accounts::find(&app.pool, proof.account).await.map_err(Fault::from)?.ok_or(VerifyError::Invalid)?;
    let email = EmailAddress::parse(&account.email).map_err(|_| VerifyError::Invalid)?;
    if proof.is_of(&email) && accounts::verify_email(&app.pool, account.id, &email).await.map_err(Fault::from)? {
        Ok(())
    } else {
        Err(VerifyError::Invalid)
    }
}
