//! Seats in Redis: locks while a batch is written, the seat map and the replies after it. All of it is advisory; Redis may be away, or
//! forget everything, and the sale goes on.

mod lock;
mod publication;
mod publish;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures::future::join_all;
use goticket_contracts::redis_keys::EventKeys;
use goticket_domain::EventId;
use goticket_platform::redis::{Redis, is_unavailable};
use goticket_storage::bookings::write::SeatChange;
use redis::RedisError;

pub use self::publication::{MapUpdate, Publication};
use self::{lock::Locking, publish::Publishing};

/// How long Redis is left alone after it could not be reached: a call that runs into its time-out holds a lane up, and what was missed is
/// put right afterwards.
const LEFT_ALONE: Duration = Duration::from_secs(2);

/// The seat map and locks, as the booking workers of one process use them; clones are the same.
#[derive(Clone)]
pub struct SeatBoard {
    redis: Redis,
    locking: Arc<Locking>,
    publishing: Arc<Publishing>,
    /// Events whose map in Redis has missed something.
    missed: Arc<Mutex<BTreeSet<EventId>>>,
    /// Until then nobody waits to find out once more that Redis is away.
    away_until: Arc<Mutex<Option<Instant>>>,
}

impl SeatBoard {
    /// Locks live for `lock_ttl`: longer than a batch takes, shorter than a fan's patience.
    pub fn new(redis: Redis, lock_ttl: Duration) -> Self {
        let (locking, publishing) = (Arc::new(Locking::new(lock_ttl)), Arc::new(Publishing::new()));
        Self { redis, locking, publishing, missed: Arc::default(), away_until: Arc::default() }
    }

    /// Locks the seats that a batch gives.
    pub(crate) async fn lock(&self, seats: &[SeatChange]) {
        if self.is_away() {
            return;
        }
        if let Err(error) = self.locking.run(&self.redis, seats).await {
            self.look_at(&error);
            tracing::debug!(%error, "seats are not locked: going on without");
            metrics::counter!("goticket_booking_redis_errors_total", "step" => "lock").increment(1);
        }
    }

    /// Unlocks the seats of a batch that was not written.
    pub(crate) async fn unlock(&self, seats: &[SeatChange]) {
        let mut served: BTreeMap<EventId, Publication> = BTreeMap::new();
        for seat in seats {
            if let Some(booking) = seat.to {
                let publication = served.entry(seat.event).or_insert_with(|| Publication::new(seat.event));
                publication.locks.push((seat.seat, booking));
            }
        }
        join_all(served.values().map(|publication| self.publish_one(publication))).await;
    }

    /// Publishes what was committed.
    pub async fn publish(&self, publications: &[Publication]) {
        join_all(publications.iter().map(|publication| self.publish_one(publication))).await;
    }

    async fn publish_one(&self, publication: &Publication) {
        let event = publication.event;
        if self.is_away() {
            self.noted().insert(event);
            return;
        }
        match self.publishing.run(&self.redis, publication).await {
            Ok(false) => {}
            Ok(true) => {
                self.noted().insert(event);
            }
            Err(error) => {
                self.look_at(&error);
                tracing::warn!(%event, %error, "a change could not be published: the seat map will be published again");
                metrics::counter!("goticket_booking_redis_errors_total", "step" => "publish").increment(1);
                self.noted().insert(event);
            }
        }
    }

    /// Which of these events' maps have missed something since this was asked.
    pub(crate) fn missed<'a>(&self, events: impl Iterator<Item = &'a EventId>) -> BTreeSet<EventId> {
        let mut missed = self.noted();
        if missed.is_empty() {
            return BTreeSet::new();
        }
        events.copied().filter(|event| missed.remove(event)).collect()
    }

    /// Which of these events' maps are not there, stand behind the version that was published last, or have missed something. None
    /// while Redis is away.
    pub(crate) async fn behind(&self, known: &[(EventId, i64)]) -> Vec<EventId> {
        if known.is_empty() || self.is_away() {
            return Vec::new();
        }
        let mut ask = redis::pipe();
        for (event, _) in known {
            let keys = EventKeys::new(self.redis.prefix(), *event);
            ask.get(keys.seat_map_version()).exists(keys.seat_map());
        }
        let answers: Vec<(Option<i64>, bool)> = match self.redis.pipeline::<Vec<redis::Value>>(&ask).await {
            Ok(values) => values
                .chunks(2)
                .map(|pair| redis::from_redis_value(redis::Value::Array(pair.to_vec())).unwrap_or_default())
                .collect(),
            Err(error) => {
                self.look_at(&error);
                return Vec::new();
            }
        };
        let missed = self.missed(known.iter().map(|(event, _)| event));
        let is_behind = |((event, version), (stored, exists)): &(&(EventId, i64), (Option<i64>, bool))| {
            !exists || stored.is_none_or(|stored| stored < *version) || missed.contains(event)
        };
        known.iter().zip(answers).filter(is_behind).map(|((event, _), _)| *event).collect()
    }

    fn is_away(&self) -> bool {
        let until = self.away_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    fn look_at(&self, error: &RedisError) {
        if is_unavailable(error) {
            *self.away_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + LEFT_ALONE);
        }
    }

    fn noted(&self) -> MutexGuard<'_, BTreeSet<EventId>> {
        self.missed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
