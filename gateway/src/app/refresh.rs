//! A session goes on: its refresh token is exchanged for the next one, once.

use goticket_storage::accounts;

use crate::app::sessions::Session;
use crate::fault::Fault;
use crate::outbound::refresh_families::{RefreshToken, Rotation};
use crate::services::Services;

#[derive(Debug, thiserror::Error)]
pub(crate) enum RefreshError {
    /// Malformed, expired, logged out, or used before: which of them, nobody is told.
    #[error("the refresh token is not valid")]
    Invalid,
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The account is read before the token is spent: a database that is away must not cost anyone their session.
pub(crate) async fn refresh(app: &Services, text: &str) -> Result<Session, RefreshError> {
    let token = RefreshToken::parse(text).ok_or(RefreshError::Invalid)?;
    let owner = app.sessions.families.account(token.family).await?.ok_or(RefreshError::Invalid)?;
    let account = accounts::find(&app.pool, owner).await.map_err(Fault::from)?.ok_or(RefreshError::Invalid)?;
    let next = RefreshToken::generate(token.family);
    match app.sessions.families.rotate(&token, &next, app.sessions.refresh_ttl()).await? {
        Rotation::Done => Ok(app.sessions.session(account, &next, app.now())),
        Rotation::Unknown => Err(RefreshError::Invalid),
        Rotation::Reused => {
            tracing::warn!(account = %account.id, "a used refresh token came back: its family is ended");
            metrics::counter!("gateway_refresh_reuse_total").increment(1);
            Err(RefreshError::Invalid)
        }
    }
}
