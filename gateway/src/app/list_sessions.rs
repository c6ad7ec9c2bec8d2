//! Somebody looks at where they are logged in.

use goticket_storage::sessions;
pub(crate) use goticket_storage::sessions::Session as LiveSession;

use crate::app::caller::Caller;
use crate::fault::Fault;
use crate::services::Services;

/// Those that go on, the one that was used last first.
pub(crate) async fn list_sessions(app: &Services, caller: Caller) -> Result<Vec<LiveSession>, Fault> {
    Ok(sessions::live(&app.pool, caller.account).await?)
}
