//! Somebody looks at their account.

use goticket_storage::accounts;
pub(crate) use goticket_storage::accounts::Account;

use crate::app::caller::Caller;
use crate::fault::Fault;
use crate::services::Services;

/// None: it is gone, and the access token is not yet.
pub(crate) async fn look_up_account(app: &Services, caller: Caller) -> Result<Option<Account>, Fault> {
    Ok(accounts::find(&app.pool, caller.account).await?)
}
