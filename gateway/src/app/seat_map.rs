//! Who has which seat: the bitmap in Redis, rebuilt from Postgres when it is missing; Postgres itself while Redis is away.
//! Advisory: what the map shows free can be gone a moment later.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use goticket_contracts::redis_keys::seat_state;
use goticket_domain::booking::SeatCount;
use goticket_domain::{EventId, SeatNo};
use goticket_platform::redis::Redis;
use goticket_storage::seats;
use moka::future::Cache;
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use crate::app::geometry::Geometry;
use crate::fault::Fault;
use crate::outbound::seat_map::{RedisSeatMap, Stored};
use crate::packed::Packed;

/// How old a decoded map may be, even if its version has not moved: what is rebuilt in an emptied Redis has version 0, whatever it shows.
/// Also how old the one may be by which requests are refused early.
const DECODED_AGE_MAX: Duration = Duration::from_secs(1);
/// Maps read from Postgres while Redis is away are this old at most.
const DIRECT_AGE_MAX: Duration = Duration::from_secs(1);
/// Bytes of maps kept decoded.
const DECODED_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Events whose maps are kept.
const EVENTS_MAX: u64 = 1_000;
/// Attempts to store a rebuilt map before the one at hand is simply shown.
const REBUILDS_MAX: usize = 3;

/// A map at one moment.
#[derive(Debug)]
pub(crate) struct SeatStates {
    /// The map's version in Redis; 0 where it was read past Redis.
    pub(crate) version: u64,
    /// One digit per seat.
    pub(crate) digits: Packed,
    /// Changes with the digits.
    pub(crate) etag: String,
    /// What is said of what is left, once somebody has asked.
    pub(crate) availability: OnceLock<Packed>,
    /// By section and category.
    tallies: BTreeMap<(u16, u16), Tally>,
}

/// So many seats in each state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) free: u32,
    pub(crate) held: u32,
    pub(crate) sold: u32,
}

impl Tally {
    fn count(&mut self, state: u8) {
        match state {
            seat_state::FREE => self.free += 1,
            seat_state::HELD => self.held += 1,
            _ => self.sold += 1,
        }
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.free += other.free;
        self.held += other.held;
        self.sold += other.sold;
    }
}

impl SeatStates {
    /// `states`: one per place.
    fn new(version: u64, mut states: Vec<u8>, geometry: &Geometry) -> Self {
        let etag = hex::encode(&Sha256::digest(&states)[..8]);
        let mut tallies: BTreeMap<(u16, u16), Tally> = BTreeMap::new();
        let mut rest = &states[..];
        // Seats of one kind stand beside each other, in runs.
        for run in geometry.places().chunk_by(|a, b| (a.section, a.category) == (b.section, b.category)) {
            let (of_run, after) = rest.split_at(run.len().min(rest.len()));
            rest = after;
            let tally = tallies.entry((run[0].section, run[0].category)).or_default();
            for state in of_run {
                tally.count(*state);
            }
        }
        for state in &mut states {
            *state += b'0';
        }
        Self { version, digits: Packed::new(states), etag, availability: OnceLock::new(), tallies }
    }

    /// Somebody has it.
    pub(crate) fn is_taken(&self, seat: SeatNo) -> bool {
        let digit = usize::try_from(seat.0).ok().and_then(|index| self.digits.plain().get(index));
        digit.is_none_or(|digit| digit - b'0' != seat_state::FREE)
    }

    /// What is left of a section, or of one category of it.
    pub(crate) fn left(&self, section: u16, category: Option<u16>) -> SeatCount {
        let mut sum = Tally::default();
        for ((_, of), tally) in self.tallies.range((section, 0)..=(section, u16::MAX)) {
            if category.is_none_or(|only| only == *of) {
                sum += *tally;
            }
        }
        SeatCount { free: sum.free, held: sum.held }
    }

    pub(crate) fn by_category(&self) -> BTreeMap<u16, Tally> {
        self.summed(|(_, category)| category)
    }

    pub(crate) fn by_section(&self) -> BTreeMap<u16, Tally> {
        self.summed(|(section, _)| section)
    }

    fn summed(&self, by: impl Fn((u16, u16)) -> u16) -> BTreeMap<u16, Tally> {
        let mut sums: BTreeMap<u16, Tally> = BTreeMap::new();
        for (key, tally) in &self.tallies {
            *sums.entry(by(*key)).or_default() += *tally;
        }
        sums
    }
}

/// All seat maps.
pub(crate) struct SeatMaps {
    pool: PgPool,
    redis: RedisSeatMap,
    /// Each version once, however many readers it has.
    decoded: Cache<(EventId, u64), Arc<SeatStates>>,
    recent: Cache<EventId, Arc<SeatStates>>,
    direct: Cache<EventId, Arc<SeatStates>>,
}

impl SeatMaps {
    pub(crate) fn new(pool: PgPool, redis: Redis) -> Self {
        Self {
            pool,
            redis: RedisSeatMap::new(redis),
            decoded: Cache::builder()
                .weigher(|_, states: &Arc<SeatStates>| u32::try_from(states.digits.plain().len()).unwrap_or(u32::MAX))
                .max_capacity(DECODED_BYTES_MAX)
                .time_to_live(DECODED_AGE_MAX)
                .build(),
            recent: Cache::builder().max_capacity(EVENTS_MAX).time_to_live(DECODED_AGE_MAX).build(),
            direct: Cache::builder().max_capacity(EVENTS_MAX).time_to_live(DIRECT_AGE_MAX).build(),
        }
    }

    /// The map as it is now.
    pub(crate) async fn read(&self, event: EventId, geometry: &Geometry) -> Result<Arc<SeatStates>, Fault> {
        match self.read_redis(event, geometry).await {
            Err(Fault::Unavailable { cause, .. }) => {
                tracing::debug!(%event, cause, "seat map: reading past Redis");
                let load = async { self.read_postgres(event, geometry, 0).await.map(Arc::new) };
                self.direct.try_get_with(event, load).await.map_err(Arc::unwrap_or_clone)
            }
            answer => answer,
        }
    }

    /// The map as it was a second ago at most.
    pub(crate) async fn recent(&self, event: EventId, geometry: &Geometry) -> Result<Arc<SeatStates>, Fault> {
        self.recent.try_get_with(event, self.read(event, geometry)).await.map_err(Arc::unwrap_or_clone)
    }

    /// Which of these seats are being given to somebody in this moment.
    pub(crate) async fn locked(&self, event: EventId, seats: &[SeatNo]) -> Result<Vec<SeatNo>, Fault> {
        self.redis.locked(event, seats).await
    }

    async fn read_redis(&self, event: EventId, geometry: &Geometry) -> Result<Arc<SeatStates>, Fault> {
        let version = self.redis.version(event).await?;
        let decode = async {
            let states = match self.redis.read(event, geometry.capacity()).await? {
                Stored::Map { version, states } => SeatStates::new(version, states, geometry),
                Stored::Missing { version } => self.rebuild(event, geometry, version).await?,
            };
            Ok(Arc::new(states))
        };
        self.decoded.try_get_with((event, version), decode).await.map_err(Arc::unwrap_or_clone)
    }

    /// Reads Postgres and stores the result, unless something changed meanwhile: then it reads again.
    async fn rebuild(&self, event: EventId, geometry: &Geometry, version: u64) -> Result<SeatStates, Fault> {
        let mut version = version;
        for _ in 0..REBUILDS_MAX {
            let found = self.read_postgres(event, geometry, version).await?;
            let states: Vec<u8> = found.digits.plain().iter().map(|digit| digit - b'0').collect();
            // What the worker keeps up to date from then on.
            let counts: Vec<_> = found.by_category().into_iter().map(|(no, tally)| (no, tally.free, tally.held)).collect();
            if self.redis.rebuild(event, version, &states, &counts).await? {
                tracing::info!(%event, version, "seat map rebuilt");
                return Ok(found);
            }
            match self.redis.read(event, geometry.capacity()).await? {
                Stored::Map { version, states } => return Ok(SeatStates::new(version, states, geometry)),
                Stored::Missing { version: now } => version = now,
            }
        }
        // A sale so busy that the map cannot be caught up with: what Postgres says is still the truth of a moment ago.
        self.read_postgres(event, geometry, version).await
    }

    async fn read_postgres(&self, event: EventId, geometry: &Geometry, version: u64) -> Result<SeatStates, Fault> {
        let mut states = vec![seat_state::FREE; geometry.places().len()];
        for (no, state) in seats::taken(&self.pool, event, 0, geometry.capacity()).await? {
            if let Some(seat) = usize::try_from(no).ok().and_then(|no| states.get_mut(no)) {
                *seat = state;
            }
        }
        Ok(SeatStates::new(version, states, geometry))
    }
}
