//! Running `lock.lua`.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use futures::future::try_join_all;
use goticket_contracts::{commands::Action, redis_keys::EventKeys};
use goticket_domain::{
    EventId,
    booking::{BookingRequest, SeatChoice},
};
use goticket_platform::redis::Redis;
use redis::{RedisResult, Script};

use crate::app::booking::{Job, SectionKey};

pub(super) struct Locking {
    script: Script,
    ttl_ms: u128,
}

/// One event's part of a batch.
#[derive(Default)]
struct Call {
    seats: Vec<(SectionKey, u32)>,
    keys: Vec<String>,
    args: Vec<String>,
}

impl Locking {
    pub(super) fn new(ttl: Duration) -> Self {
        Self { script: Script::new(include_str!("lock.lua")), ttl_ms: ttl.as_millis() }
    }

    /// One call per event, all at once.
    pub(super) async fn run(&self, redis: &Redis, jobs: &[Job]) -> RedisResult<HashSet<(SectionKey, u32)>> {
        let calls = self.prepare(redis.prefix(), jobs);
        let busy = try_join_all(calls.values().map(|call| async {
            let positions: Vec<usize> = redis.eval(&self.script, &call.keys, &call.args).await?;
            let seats = positions.into_iter().filter_map(|position| call.seats.get(position - 1).copied());
            RedisResult::Ok(seats.collect::<Vec<_>>())
        }));
        Ok(busy.await?.into_iter().flatten().collect())
    }

    fn prepare(&self, prefix: &str, jobs: &[Job]) -> BTreeMap<EventId, Call> {
        let mut calls: BTreeMap<EventId, Call> = BTreeMap::new();
        for (request, seats) in jobs.iter().filter(|job| job.condemned.is_none()).filter_map(named) {
            let keys = EventKeys::new(prefix, request.event);
            let call =
                calls.entry(request.event).or_insert_with(|| Call { args: vec![self.ttl_ms.to_string()], ..Call::default() });
            call.args.extend([request.booking.to_string(), seats.len().to_string()]);
            call.keys.extend(seats.iter().map(|&seat| keys.seat_lock(seat)));
            call.seats.extend(seats.iter().map(|&seat| ((request.event, request.section), seat)));
        }
        calls
    }
}

/// A request that names its seats; only such can be locked before they are chosen.
pub(super) fn named(job: &Job) -> Option<(&BookingRequest, &[u32])> {
    match &job.command.action {
        Action::Create { request } => match &request.choice {
            SeatChoice::Named { seats } => Some((request, seats)),
            SeatChoice::BestAvailable { .. } => None,
        },
        _ => None,
    }
}
