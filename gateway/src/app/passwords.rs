//! Hashing passwords: bounded in work and in waiting, so that a storm of log-ins cannot starve anything else, and fair, so that it does not
//! keep other log-ins out.

mod fair_queue;
mod workers;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use self::fair_queue::Who;
use self::workers::Workers;
use crate::config::GatewayConfig;

/// Salt and hash of no password anybody has: verifying against it costs what a real one costs. bcrypt's own alphabet.
const NOBODYS: &str = "abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01232";

/// All workers are busy, and either enough callers wait or this one waited for too long.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("too many passwords are being checked")]
pub(crate) struct Busy;

/// The hashing pool.
pub(crate) struct Passwords {
    cost: u32,
    workers: Arc<Workers>,
    nobodys_hash: String,
}

impl Passwords {
    pub(crate) fn new(config: &GatewayConfig) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let workers = match config.password_workers.get() {
            0 => (cores - 1).max(1),
            set => usize::try_from(set).unwrap_or(1),
        };
        let waiting_max = usize::try_from(config.password_queue_max.get()).unwrap_or(usize::MAX);
        // The rest of the request's time is for the hash.
        Self::with(config.bcrypt_cost.get(), workers, waiting_max, config.request_timeout_ms.millis() * 2 / 3)
    }

    fn with(cost: u32, workers: usize, waiting_max: usize, wait_max: Duration) -> Self {
        Self { cost, workers: Workers::new(workers, waiting_max, wait_max), nobodys_hash: format!("$2b${cost:02}${NOBODYS}") }
    }

    /// A hash to store; None for a password bcrypt would cut short.
    pub(crate) async fn hash(&self, who: &Who, password: String) -> Result<Option<String>, Busy> {
        let cost = self.cost;
        self.work(who, move || bcrypt::non_truncating_hash(password, cost).ok()).await
    }

    /// Whether the password is the one of this hash. Without a hash it takes as long and is not.
    pub(crate) async fn verify(&self, who: &Who, password: String, hash: Option<String>) -> Result<bool, Busy> {
        let (known, hash) = match hash {
            Some(hash) => (true, hash),
            None => (false, self.nobodys_hash.clone()),
        };
        self.work(who, move || bcrypt::non_truncating_verify(password, &hash).unwrap_or(false) && known).await
    }

    async fn work<T: Send + 'static>(&self, who: &Who, job: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let worker = self.workers.get(who).await?;
        // The worker goes with the job: a caller who gives up does not free the core.
        let done = tokio::task::spawn_blocking(move || {
            let _worker = worker;
            job()
        });
        done.await.map_err(|_| Busy)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use goticket_domain::identity::EmailAddress;

    use super::*;

    fn who() -> Who {
        Who { network: [10, 0, 0, 1].into(), account: EmailAddress::parse("a@example.com").unwrap() }
    }

    #[tokio::test]
    async fn nobodys_hash_is_well_formed_so_that_it_costs_a_real_check() {
        let passwords = Passwords::with(12, 1, 1, Duration::from_mins(1));
        let parts: bcrypt::HashParts = passwords.nobodys_hash.parse().unwrap();
        assert_eq!(parts.get_cost(), 12);
        assert!(!passwords.verify(&who(), "correct horse".into(), None).await.unwrap());
    }

    #[tokio::test]
    async fn a_hash_verifies_its_password_only() {
        let (passwords, who) = (Passwords::with(12, 1, 1, Duration::from_mins(1)), who());
        let hash = passwords.hash(&who, "correct horse".into()).await.unwrap();
        assert!(passwords.verify(&who, "correct horse".into(), hash.clone()).await.unwrap());
        assert!(!passwords.verify(&who, "correct horsf".into(), hash).await.unwrap());
        assert_eq!(passwords.hash(&who, "x".repeat(72)).await.unwrap(), None);
    }
}
