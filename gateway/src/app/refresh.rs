//! A session goes on: its refresh token is exchanged for the next one, once.

use goticket_storage::sessions::{self, Rotation};

use crate::app::sessions::Session;
use crate::fault::Fault;
use crate::outbound::refresh_families::{RefreshToken, Seen};
use crate::services::Services;

#[derive(Debug, thiserror::Error)]
pub(crate) enum RefreshError {
    /// Malformed, expired, logged out, or used before: which of them, nobody is told.
    #[error("the refresh token is not valid")]
    Invalid,
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Redis is asked first and decides nothing: whoever knows no secret of the session costs the database nothing, and ends nothing.
pub(crate) async fn refresh(app: &Services, text: &str) -> Result<Session, RefreshError> {
    let token = RefreshToken::parse(text).ok_or(RefreshError::Invalid)?;
    match app.sessions.families.look(&token).await? {
        Seen::Foreign => return Err(RefreshError::Invalid),
        Seen::Current => {}
        Seen::Other | Seen::Unknown => metrics::counter!("gateway_refresh_not_in_redis_total").increment(1),
    }
    let (next, ttl) = (token.next(), app.sessions.refresh_ttl());
    let rotation = sessions::rotate(&app.pool, token.session, &token.hashes(), &next.hashes().current, ttl).await;
    match rotation.map_err(Fault::from)? {
        Rotation::Done(account) => {
            app.sessions.families.remember(&next, ttl).await;
            Ok(app.sessions.session(account, &next, app.now()))
        }
        Rotation::Unknown => Err(RefreshError::Invalid),
        Rotation::Reused(account) => {
            tracing::warn!(%account, session = %token.session, "a used refresh token came back: its session is ended");
            metrics::counter!("gateway_refresh_reuse_total").increment(1);
            app.sessions.have_ended(&[token.session]).await;
            Err(RefreshError::Invalid)
        }
    }
}
