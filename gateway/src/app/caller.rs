//! Who asks: an account and what its role lets it do.

use goticket_domain::AccountId;
use goticket_domain::identity::Role;

/// Somebody whose access token was good.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub(crate) account: AccountId,
    pub(crate) role: Role,
}

impl Caller {
    /// Whether what belongs to `owner` is theirs to see unpublished and to change.
    pub(crate) fn may_manage(&self, owner: AccountId) -> bool {
        match self.role {
            Role::Admin => true,
            Role::Organizer => self.account == owner,
            Role::User => false,
        }
    }
}
