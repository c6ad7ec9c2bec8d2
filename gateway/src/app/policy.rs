//! Asks the domain's policy, by the rights that an account has now.
//!
//! What every account may needs no look at the database: joining, polling, booking. Where that is not enough, roles and memberships are read: at
//! this moment for whatever changes something, and at most [`STANDING_AGE_MAX`] ago for plain reads.

use std::sync::Arc;
use std::time::Duration;

use goticket_domain::AccountId;
use goticket_domain::policy::{Action, Decision, Reason, Resource, Subject, decide};
use goticket_storage::organizations;
use moka::future::Cache;
use sqlx::PgPool;

use crate::fault::Fault;

/// How old roles may be by which a plain read is decided. Beyond a minute the table in docs/POLICY.md would not be true.
const STANDING_AGE_MAX: Duration = Duration::from_secs(30);
const _: () = assert!(STANDING_AGE_MAX.as_secs() <= 60);
/// Accounts whose rights are remembered, some hundred bytes each.
const STANDINGS_MAX: u64 = 100_000;

/// Why somebody does not get at something.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// As if it did not exist.
    #[error("hidden")]
    Hidden,
    #[error("denied: {0:?}")]
    Denied(Reason),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Decides for this gateway.
pub(crate) struct Policy {
    pool: PgPool,
    standings: Cache<AccountId, Arc<Subject>>,
}

impl Policy {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool, standings: Cache::builder().max_capacity(STANDINGS_MAX).time_to_live(STANDING_AGE_MAX).build() }
    }

    /// Goes on only where `subject` may do this to that.
    pub(crate) async fn allow(&self, subject: &Subject, action: Action, resource: &Resource) -> Result<(), Refused> {
        let least = decide(subject, action, resource);
        let decision = match (least, subject.account()) {
            (Decision::Allow, _) | (_, None) => least,
            (_, Some(_)) => decide(&*self.with_rights(subject, action).await?, action, resource),
        };
        match decision {
            Decision::Allow => Ok(()),
            Decision::Hide => Err(Refused::Hidden),
            Decision::Deny(reason) => Err(Refused::Denied(reason)),
        }
    }

    /// The same subject with all that it may, as fresh as the action needs it.
    pub(crate) async fn with_rights(&self, subject: &Subject, action: Action) -> Result<Arc<Subject>, Fault> {
        let Some(account) = subject.account() else { return Ok(Arc::new(subject.clone())) };
        if action.is_plain_read() {
            let read = self.standings.try_get_with(account, self.read(account)).await;
            return read.map_err(|fault| (*fault).clone());
        }
        let now = self.read(account).await?;
        self.standings.insert(account, Arc::clone(&now)).await;
        Ok(now)
    }

    /// The account's rights were changed here: the next one who asks gets them as they are now.
    pub(crate) async fn forget(&self, account: AccountId) {
        self.standings.invalidate(&account).await;
    }

    /// An account that is gone may what every account may, until its token has expired.
    async fn read(&self, account: AccountId) -> Result<Arc<Subject>, Fault> {
        let standing = organizations::standing(&self.pool, account).await?;
        Ok(Arc::new(standing.map_or_else(|| Subject::account_only(account), Subject::User)))
    }
}
