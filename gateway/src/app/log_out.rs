//! A session ends: its tokens are worth nothing from now on.

use goticket_storage::sessions;

use crate::fault::Fault;
use crate::outbound::refresh_families::RefreshToken;
use crate::services::Services;

/// For whoever has one of the session's refresh tokens, also a used one: using that would end it as well. One that is malformed, none of the
/// session's, or of a session that ended before, changes nothing, and nobody is told which.
pub(crate) async fn log_out(app: &Services, text: &str) -> Result<(), Fault> {
    let Some(token) = RefreshToken::parse(text) else { return Ok(()) };
    if sessions::end_shown(&app.pool, token.session, &token.hashes().secret).await? {
        app.sessions.have_ended(&[token.session]).await;
    }
    Ok(())
}
