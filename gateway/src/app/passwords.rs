//! Hashing passwords: bounded in work and in waiting, so that a storm of log-ins cannot starve anything else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use metrics::{counter, histogram};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::config::GatewayConfig;

/// Salt and hash of no password anybody has: verifying against it costs what a real one costs. bcrypt's own alphabet.
const NOBODYS: &str = "abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01232";

/// All workers are busy and enough callers wait.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("too many passwords are being checked")]
pub(crate) struct Busy;

/// The hashing pool.
pub(crate) struct Passwords {
    cost: u32,
    workers: Arc<Semaphore>,
    waiting: AtomicUsize,
    waiting_max: usize,
    nobodys_hash: String,
}

impl Passwords {
    pub(crate) fn new(config: &GatewayConfig) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let workers = match config.password_workers.get() {
            0 => (cores - 1).max(1),
            set => usize::try_from(set).unwrap_or(1),
        };
        let cost = config.bcrypt_cost.get();
        Self {
            cost,
            workers: Arc::new(Semaphore::new(workers)),
            waiting: AtomicUsize::new(0),
            waiting_max: usize::try_from(config.password_queue_max.get()).unwrap_or(usize::MAX),
            nobodys_hash: format!("$2b${cost:02}${NOBODYS}"),
        }
    }

    /// A hash to store; None for a password bcrypt would cut short.
    pub(crate) async fn hash(&self, password: String) -> Result<Option<String>, Busy> {
        let cost = self.cost;
        self.work(move || bcrypt::non_truncating_hash(password, cost).ok()).await
    }

    /// Whether the password is the one of this hash. Without a hash it takes as long and is not.
    pub(crate) async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, Busy> {
        let (known, hash) = match hash {
            Some(hash) => (true, hash),
            None => (false, self.nobodys_hash.clone()),
        };
        self.work(move || bcrypt::non_truncating_verify(password, &hash).unwrap_or(false) && known).await
    }

    async fn work<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let begun = Instant::now();
        let permit = {
            let _place = self.queue()?;
            Arc::clone(&self.workers).acquire_owned().await.map_err(|_| Busy)?
        };
        histogram!("gateway_password_wait_seconds").record(begun.elapsed().as_secs_f64());
        // The permit goes with the job: a caller who gives up does not free the core.
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            job()
        });
        done.await.map_err(|_| Busy)
    }

    fn queue(&self) -> Result<Place<'_>, Busy> {
        let place = Place(&self.waiting);
        // Counted before it is compared: `place` takes itself out again when it is dropped.
        if self.waiting.fetch_add(1, Ordering::AcqRel) >= self.waiting_max {
            counter!("gateway_password_refused_total").increment(1);
            drop(place);
            return Err(Busy);
        }
        Ok(place)
    }
}

struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn pool(queue_max: usize) -> Passwords {
        Passwords {
            cost: 12,
            workers: Arc::new(Semaphore::new(1)),
            waiting: AtomicUsize::new(0),
            waiting_max: queue_max,
            nobodys_hash: format!("$2b$12${NOBODYS}"),
        }
    }

    #[tokio::test]
    async fn nobodys_hash_is_well_formed_so_that_it_costs_a_real_check() {
        let parts: bcrypt::HashParts = pool(1).nobodys_hash.parse().unwrap();
        assert_eq!(parts.get_cost(), 12);
        assert!(!pool(1).verify("correct horse".into(), None).await.unwrap());
    }

    #[tokio::test]
    async fn a_hash_verifies_its_password_only() {
        let pool = pool(1);
        let hash = pool.hash("correct horse".into()).await.unwrap();
        assert!(pool.verify("correct horse".into(), hash.clone()).await.unwrap());
        assert!(!pool.verify("correct horsf".into(), hash).await.unwrap());
        assert_eq!(pool.hash("x".repeat(72)).await.unwrap(), None);
    }

    #[tokio::test]
    async fn the_queue_is_bounded_and_empties_again() {
        let pool = pool(2);
        let busy = Arc::clone(&pool.workers).acquire_owned().await.unwrap();
        let (first, second) = (pool.queue().unwrap(), pool.queue().unwrap());
        assert!(pool.queue().is_err());
        drop(first);
        assert!(pool.queue().is_ok());
        drop((second, busy));
        assert_eq!(pool.waiting.load(Ordering::Acquire), 0);
    }
}
