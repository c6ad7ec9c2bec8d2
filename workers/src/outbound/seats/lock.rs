//! Running `lock.lua`.

use std::{collections::BTreeMap, time::Duration};

use futures::future::try_join_all;
use goticket_contracts::redis_keys::EventKeys;
use goticket_domain::EventId;
use goticket_platform::redis::Redis;
use goticket_storage::bookings::write::SeatChange;
use redis::{RedisResult, Script};

pub(super) struct Locking {
    script: Script,
    ttl_ms: u128,
}

impl Locking {
    pub(super) fn new(ttl: Duration) -> Self {
        Self { script: Script::new(include_str!("lock.lua")), ttl_ms: ttl.as_millis() }
    }

    /// One call per event, all at once.
    pub(super) async fn run(&self, redis: &Redis, seats: &[SeatChange]) -> RedisResult<()> {
        let mut calls: BTreeMap<EventId, (Vec<String>, Vec<String>)> = BTreeMap::new();
        for seat in seats {
            let Some(booking) = seat.to else { continue };
            let call = calls.entry(seat.event).or_insert_with(|| (Vec::new(), vec![self.ttl_ms.to_string()]));
            call.0.push(EventKeys::new(redis.prefix(), seat.event).seat_lock(seat.seat));
            call.1.push(booking.to_string());
        }
        let locked: RedisResult<Vec<()>> =
            try_join_all(calls.values().map(|(keys, args)| redis.eval(&self.script, keys, args))).await;
        locked.map(drop)
    }
}
