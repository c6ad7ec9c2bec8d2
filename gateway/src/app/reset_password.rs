//! The holder of an address sets the password of its account, known or not: they get a mail with a link, and whoever has the link has read the
//! mail. So an account that somebody else made with the address is its holder's, too.

use std::net::IpAddr;
use std::sync::Arc;

use goticket_contracts::tasks::ResetTask;
use goticket_domain::identity::EmailAddress;
use goticket_storage::accounts;
use goticket_tokens::{PasswordResets, TokenError};
use jiff::SignedDuration;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::app::passwords::{Busy, Who};
use crate::fault::Fault;
use crate::services::Services;

/// How long a link is good, in minutes: time to find the mail, and little for whoever finds it later.
pub(crate) const LINK_LIFE_MIN: u32 = 30;

/// Mails on their way to the broker at once; while more are, it is away or somebody asks for everyone's.
const ASKING_MAX: usize = 64;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ResetError {
    /// No one was sent it, it was used, or the password or the address is another one by now.
    #[error("the link is none of ours, or was used")]
    Invalid,
    #[error("the link was good until a while ago")]
    Expired,
    #[error(transparent)]
    Busy(#[from] Busy),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What links by which passwords are set are made of.
pub(crate) struct ResetLinks {
    rights: PasswordResets,
    /// Where they lead, without the fragment.
    page: String,
    asking: Arc<Semaphore>,
}

impl ResetLinks {
    pub(crate) fn new(rights: PasswordResets, page: String) -> Self {
        Self { rights, page, asking: Arc::new(Semaphore::new(ASKING_MAX)) }
    }
}

/// Somebody wants to set the password of this address. Returns before anything is looked up: how long it takes tells nothing either. Whoever
/// asks too often is not told so, which would tell them of somebody else's asking: the mail of a moment ago has a link that is good.
pub(crate) fn ask(app: &Arc<Services>, email: EmailAddress) {
    if app.reset_limit.take(&email).is_err() {
        return;
    }
    let Ok(permit) = Arc::clone(&app.reset_links.asking).try_acquire_owned() else {
        metrics::counter!("gateway_resets_unsent_total").increment(1);
        return;
    };
    let app = Arc::clone(app);
    tokio::spawn(async move {
        let _permit = permit;
        if let Err(error) = send_link(&app, &email).await {
            metrics::counter!("gateway_resets_unsent_total").increment(1);
            tracing::warn!(%error, "a mail by which a password is set is not on its way");
        }
    });
}

async fn send_link(app: &Services, email: &EmailAddress) -> Result<(), Fault> {
    let Some(found) = accounts::credentials(&app.pool, email).await?.filter(|found| !found.disabled) else { return Ok(()) };
    let now = app.now();
    let expires_at = now.checked_add(SignedDuration::from_mins(i64::from(LINK_LIFE_MIN))).unwrap_or(now);
    let right = app.reset_links.rights.sign(found.account.id, email, found.password_generation, expires_at);
    let task = ResetTask {
        id: Uuid::now_v7(),
        address: email.as_str().to_owned(),
        name: found.account.name,
        // In the fragment: no server, proxy or referrer sees it.
        link: format!("{}#{right}", app.reset_links.page),
        asked_at: now,
        good_for_min: LINK_LIFE_MIN,
        attempts: 0,
    };
    app.verifications.send_reset(&task).await
}

/// The link was followed, and `new`, which has been checked against the domain's limits, is the password from now on. Every session ends, and
/// the address is verified: its mail was read.
pub(crate) async fn reset_password(app: &Services, network: IpAddr, right: &str, new: String) -> Result<(), ResetError> {
    let right = app.reset_links.rights.verify(right, app.now()).map_err(|error| match error {
        TokenError::Expired { .. } => ResetError::Expired,
        _ => ResetError::Invalid,
    })?;
    let found = accounts::credentials_of(&app.pool, right.account).await.map_err(Fault::from)?.ok_or(ResetError::Invalid)?;
    let account = EmailAddress::parse(&found.account.email).map_err(|_| ResetError::Invalid)?;
    if !right.is_of(&account, found.password_generation) {
        return Err(ResetError::Invalid);
    }
    let who = Who { network, account };
    let hash = app.passwords.hash(&who, new).await?;
    let ended = accounts::reset_password(&app.pool, right.account, &who.account, found.password_generation, &hash).await;
    let ended = ended.map_err(Fault::from)?.ok_or(ResetError::Invalid)?;
    app.sessions.have_ended(&ended).await;
    Ok(())
}
