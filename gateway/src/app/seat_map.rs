//! Who has which seat: the bitmap in Redis, rebuilt from Postgres when it is missing; Postgres itself while Redis is away.
//! Advisory: what the map shows free can be gone a moment later.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
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
    pub(crate) digits: Bytes,
    /// Changes with the digits.
    pub(crate) etag: String,
    /// Seats that are neither sold nor held, by section and category; and those that are held.
    left: HashMap<(u16, u16), SeatCount>,
}

impl SeatStates {
    fn new(version: u64, states: Vec<u8>, geometry: &Geometry) -> Self {
        let etag = hex::encode(&Sha256::digest(&states)[..8]);
        let mut left: HashMap<(u16, u16), SeatCount> = HashMap::new();
        for (place, state) in geometry.places().iter().zip(&states) {
            let count = left.entry((place.section, place.category)).or_default();
            match *state {
                seat_state::FREE => count.free += 1,
                seat_state::HELD => count.held += 1,
                _ => {}
            }
        }
        let digits = states.into_iter().map(|state| b'0' + state).collect::<Vec<u8>>();
        Self { version, digits: digits.into(), etag, left }
    }

    /// Somebody has it.
    pub(crate) fn is_taken(&self, seat: SeatNo) -> bool {
        usize::try_from(seat.0).is_ok_and(|index| self.state(index) != seat_state::FREE)
    }

    /// What is left of a section, or of one category of it.
    pub(crate) fn left(&self, section: u16, category: Option<u16>) -> SeatCount {
        let of = self.left.iter().filter(|((no, of), _)| *no == section && category.is_none_or(|only| only == *of));
        of.fold(SeatCount::default(), |sum, (_, count)| SeatCount { free: sum.free + count.free, held: sum.held + count.held })
    }

    /// State of a seat, see [`seat_state`].
    pub(crate) fn state(&self, index: usize) -> u8 {
        self.digits.get(index).map_or(seat_state::SOLD, |digit| digit - b'0')
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
                .weigher(|_, states: &Arc<SeatStates>| u32::try_from(states.digits.len()).unwrap_or(u32::MAX))
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
            let states: Vec<u8> = found.digits.iter().map(|digit| digit - b'0').collect();
            let counts = count(geometry, &states);
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

/// What is free and held per category, for the availability hash that the worker keeps up to date from then on.
fn count(geometry: &Geometry, states: &[u8]) -> Vec<(u16, u32, u32)> {
    let categories = geometry.places().iter().map(|place| place.category).max().map_or(0, |max| usize::from(max) + 1);
    let mut counts = vec![(0_u32, 0_u32); categories];
    let mut sold = vec![true; categories];
    for (place, state) in geometry.places().iter().zip(states) {
        let category = usize::from(place.category);
        sold[category] = false;
        match *state {
            seat_state::FREE => counts[category].0 += 1,
            seat_state::HELD => counts[category].1 += 1,
            _ => {}
        }
    }
    (0_u16..).zip(counts.iter().zip(sold)).filter(|(_, (_, unused))| !unused).map(|(no, ((f, h), _))| (no, *f, *h)).collect()
}
