//! Who has which seat: the bitmap in Redis, rebuilt from Postgres when it is missing; Postgres itself while Redis is away.
//! Advisory: what the map shows free can be gone a moment later.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use goticket_contracts::redis_keys::seat_state;
use goticket_domain::EventId;
use goticket_platform::redis::Redis;
use goticket_storage::seats;
use moka::future::Cache;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use tokio::time::Instant;

use crate::app::geometry::Geometry;
use crate::fault::Fault;
use crate::outbound::seat_map::{RedisSeatMap, Stored};

/// How old a decoded map may be, even if its version has not moved: what is rebuilt in an emptied Redis has version 0, whatever it shows.
const DECODED_AGE_MAX: Duration = Duration::from_secs(1);
/// Maps read from Postgres while Redis is away are this old at most.
const DIRECT_AGE_MAX: Duration = Duration::from_secs(1);
/// Events kept decoded.
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
    read_at: Instant,
}

impl SeatStates {
    fn new(version: u64, states: Vec<u8>) -> Self {
        let etag = hex::encode(&Sha256::digest(&states)[..8]);
        let digits = states.into_iter().map(|state| b'0' + state).collect::<Vec<u8>>();
        Self { version, digits: digits.into(), etag, read_at: Instant::now() }
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
    decoded: Cache<EventId, Arc<SeatStates>>,
    direct: Cache<EventId, Arc<SeatStates>>,
}

impl SeatMaps {
    pub(crate) fn new(pool: PgPool, redis: Redis) -> Self {
        Self {
            pool,
            redis: RedisSeatMap::new(redis),
            decoded: Cache::builder().max_capacity(EVENTS_MAX).time_to_live(DECODED_AGE_MAX).build(),
            direct: Cache::builder().max_capacity(EVENTS_MAX).time_to_live(DIRECT_AGE_MAX).build(),
        }
    }

    /// The map as it is now.
    pub(crate) async fn read(&self, event: EventId, geometry: &Geometry) -> Result<Arc<SeatStates>, Fault> {
        match self.read_redis(event, geometry).await {
            Err(Fault::Unavailable { cause, .. }) => {
                tracing::debug!(%event, cause, "seat map: reading past Redis");
                let load = async { self.read_postgres(event, geometry, 0).await.map(Arc::new) };
                self.direct.try_get_with(event, load).await.map_err(|fault| (*fault).clone())
            }
            answer => answer,
        }
    }

    async fn read_redis(&self, event: EventId, geometry: &Geometry) -> Result<Arc<SeatStates>, Fault> {
        if let Some(known) = self.decoded.get(&event).await
            && known.read_at.elapsed() < DECODED_AGE_MAX
            && self.redis.version(event).await? == known.version
        {
            return Ok(known);
        }
        let states = match self.redis.read(event, geometry.capacity()).await? {
            Stored::Map { version, states } => Arc::new(SeatStates::new(version, states)),
            Stored::Missing { version } => Arc::new(self.rebuild(event, geometry, version).await?),
        };
        self.decoded.insert(event, Arc::clone(&states)).await;
        Ok(states)
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
                Stored::Map { version, states } => return Ok(SeatStates::new(version, states)),
                Stored::Missing { version: now } => version = now,
            }
        }
        // A sale so busy that the map cannot be caught up with: what Postgres says is still the truth of a moment ago.
        self.read_postgres(event, geometry, version).await
    }

    async fn read_postgres(&self, event: EventId, geometry: &Geometry, version: u64) -> Result<SeatStates, Fault> {
        let mut states = vec![seat_state::FREE; geometry.places().len()];
        for (no, state) in seats::taken(&self.pool, event).await? {
            if let Some(seat) = usize::try_from(no).ok().and_then(|no| states.get_mut(no)) {
                *seat = state;
            }
        }
        Ok(SeatStates::new(version, states))
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
