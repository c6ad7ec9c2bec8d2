//! Hashing passwords: bounded in work and in waiting, so that a storm of log-ins cannot starve anything else, and fair, so that it does not
//! keep other log-ins out.

mod fair_queue;
mod hashing;
mod workers;

use std::sync::Arc;

pub(crate) use self::fair_queue::Who;
pub(crate) use self::hashing::Checked;
use self::hashing::Hashing;
use self::workers::Workers;
use crate::config::GatewayConfig;

/// All workers are busy, and either enough callers wait or this one waited for too long.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("too many passwords are being checked")]
pub(crate) struct Busy;

/// The hashing pool.
pub(crate) struct Passwords {
    hashing: Arc<Hashing>,
    workers: Arc<Workers>,
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
        let wait_max = config.request_timeout_ms.millis() * 2 / 3;
        Self { hashing: Arc::new(Hashing::new(config.bcrypt_cost.get())), workers: Workers::new(workers, waiting_max, wait_max) }
    }

    /// A hash to store.
    pub(crate) async fn hash(&self, who: &Who, password: String) -> Result<String, Busy> {
        let hashing = Arc::clone(&self.hashing);
        let hashed = self.work(who, move || hashing.hash(&password)).await?;
        hashed.map_err(|error| {
            tracing::error!(%error, "a password is not hashed");
            Busy
        })
    }

    /// Whether the password is the one of this hash. Without a hash it takes as long and is not.
    pub(crate) async fn check(&self, who: &Who, password: String, stored: Option<String>) -> Result<Checked, Busy> {
        let hashing = Arc::clone(&self.hashing);
        self.work(who, move || hashing.check(&password, stored.as_deref())).await
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
