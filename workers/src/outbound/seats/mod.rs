//! Seats in Redis: locks before a batch is decided, the seat map and the replies after it. All of it is advisory; Redis may be away,
//! or forget everything, and the sale goes on.

mod lock;
mod settle;

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use goticket_contracts::replies::ReplyResult;
use goticket_domain::EventId;
use goticket_platform::redis::Redis;

use self::{lock::Locking, settle::Settling};
use crate::app::booking::{Desk, Job, SectionKey};

/// A settlement that comes so long after its commit may be overtaken by another worker's: the map is rebuilt instead.
const SETTLE_WITHIN: Duration = Duration::from_secs(2);

/// The seat map and locks, as the booking workers of one process use them; clones are the same.
#[derive(Clone)]
pub struct SeatBoard {
    redis: Redis,
    locking: Arc<Locking>,
    settling: Arc<Settling>,
    trust: Arc<Mutex<Trust>>,
}

/// Whose seat maps are known to have heard of everything this process committed. At first: nobody's, for the process before
/// this one may have died between commit and settlement.
#[derive(Debug, Default)]
struct Trust {
    sound: HashSet<EventId>,
    doubtful: BTreeSet<EventId>,
}

impl SeatBoard {
    /// Locks live for `lock_ttl`: longer than a batch takes, shorter than a fan's patience.
    pub fn new(redis: Redis, lock_ttl: Duration) -> Self {
        let (locking, settling) = (Arc::new(Locking::new(lock_ttl)), Arc::new(Settling::new()));
        Self { redis, locking, settling, trust: Arc::default() }
    }

    /// Locks the seats that the batch's requests name; returns those that somebody else has locked. None if Redis is away.
    pub(crate) async fn lock(&self, jobs: &[Job]) -> HashSet<(SectionKey, u32)> {
        match self.locking.run(&self.redis, jobs).await {
            Ok(busy) => busy,
            Err(error) => {
                tracing::debug!(%error, "seats are not locked: going on without");
                metrics::counter!("goticket_booking_redis_errors_total", "step" => "lock").increment(1);
                HashSet::new()
            }
        }
    }

    /// Publishes a committed batch.
    pub(crate) async fn settle(&self, jobs: &[Job], results: &[ReplyResult], desk: &Desk, committed: Instant) {
        let late = committed.elapsed() > SETTLE_WITHIN;
        for settlement in self.settling.prepare(self.redis.prefix(), jobs, results, desk) {
            let event = settlement.event;
            let doubtful = late || !self.trust().sound.contains(&event);
            let settled = self.settling.run(&self.redis, &settlement, doubtful).await;
            self.learn(event, settled.map(|_| ()));
        }
    }

    /// Replies to a command that was not decided.
    pub(crate) async fn reply(&self, job: &Job, result: ReplyResult) {
        let settlement = self.settling.only_reply(self.redis.prefix(), job, result);
        if let Err(error) = self.settling.run(&self.redis, &settlement, false).await {
            tracing::debug!(%error, "a reply is lost: whoever waits for it looks into the database");
        }
    }

    /// Deletes the seat maps that missed something, so that they are rebuilt.
    pub(crate) async fn heal(&self) {
        let doubtful: Vec<EventId> = self.trust().doubtful.iter().copied().collect();
        for event in doubtful {
            let nothing = self.settling.nothing(self.redis.prefix(), event);
            let healed = self.settling.run(&self.redis, &nothing, true).await;
            if healed.is_err() {
                return;
            }
            self.learn(event, healed.map(|_| ()));
        }
    }

    fn learn(&self, event: EventId, settled: redis::RedisResult<()>) {
        let mut trust = self.trust();
        match settled {
            Ok(()) => {
                trust.sound.insert(event);
                trust.doubtful.remove(&event);
            }
            Err(error) => {
                tracing::warn!(%event, %error, "the seat map missed a change: it will be rebuilt");
                metrics::counter!("goticket_booking_redis_errors_total", "step" => "settle").increment(1);
                trust.sound.remove(&event);
                trust.doubtful.insert(event);
            }
        }
    }

    fn trust(&self) -> MutexGuard<'_, Trust> {
        self.trust.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
