//! A session ends: its refresh tokens are worth nothing from now on.

use crate::fault::Fault;
use crate::outbound::refresh_families::RefreshToken;
use crate::services::Services;

/// One that is malformed, or ended before, is ended, too.
pub(crate) async fn log_out(app: &Services, text: &str) -> Result<(), Fault> {
    match RefreshToken::parse(text) {
        Some(token) => app.sessions.families.end(token.family).await,
        None => Ok(()),
    }
}
