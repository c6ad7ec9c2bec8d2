//! Who calls, as their access token says. What they may do, the [policy](crate::app::policy) says.

use goticket_domain::AccountId;
use goticket_domain::policy::Subject;

/// Somebody whose access token was good.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub(crate) account: AccountId,
}

impl Caller {
    /// By what every account may. What else they may is looked up where it matters: a role in a token can be minutes old.
    pub(crate) fn subject(self) -> Subject {
        Subject::account_only(self.account)
    }
}

/// Whoever calls, logged in or not.
pub(crate) fn subject(caller: Option<Caller>) -> Subject {
    caller.map_or(Subject::Anonymous, Caller::subject)
}
