//! Somebody ends sessions of their own from any other one: a phone that was lost, a browser in a library.

use goticket_storage::sessions;
use uuid::Uuid;

use crate::app::caller::Caller;
use crate::fault::Fault;
use crate::services::Services;

/// One of the caller's. False: they have none of this id that goes on.
pub(crate) async fn end_session(app: &Services, caller: Caller, session: Uuid) -> Result<bool, Fault> {
    let ended = sessions::end_one(&app.pool, caller.account, session).await?;
    if ended {
        app.sessions.have_ended(&[session]).await;
    }
    Ok(ended)
}

/// All of the caller's, or all but one.
pub(crate) async fn end_sessions(app: &Services, caller: Caller, keep: Option<Uuid>) -> Result<(), Fault> {
    let ended = sessions::end_all(&app.pool, caller.account, keep).await?;
    app.sessions.have_ended(&ended).await;
    Ok(())
}
