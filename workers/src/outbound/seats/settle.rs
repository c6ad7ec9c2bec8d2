//! Running `settle.lua`.

use std::collections::{BTreeMap, BTreeSet};

use goticket_contracts::{
    redis_keys::{EventKeys, reply_channel, seat_state},
    replies::ReplyResult,
};
use goticket_domain::{EventId, booking::decide::SeatState};
use goticket_platform::redis::Redis;
use redis::{RedisResult, Script};

use super::lock::named;
use crate::app::booking::{Desk, Job};

pub(super) struct Settling {
    script: Script,
}

/// One event's part of a committed batch.
pub(super) struct Settlement {
    pub(super) event: EventId,
    keys: EventKeys,
    /// Number, state, category.
    seats: Vec<(u32, u8, u16)>,
    /// Channel, payload.
    replies: Vec<(String, String)>,
    locked: BTreeSet<u32>,
    bookings: Vec<String>,
}

impl Settling {
    pub(super) fn new() -> Self {
        Self { script: Script::new(include_str!("settle.lua")) }
    }

    /// One settlement per event of the batch.
    pub(super) fn prepare(&self, prefix: &str, jobs: &[Job], results: &[ReplyResult], desk: &Desk) -> Vec<Settlement> {
        let mut settlements: BTreeMap<EventId, Settlement> = BTreeMap::new();
        for (job, result) in jobs.iter().zip(results) {
            let event = job.command.event;
            let settlement = settlements.entry(event).or_insert_with(|| self.nothing(prefix, event));
            settlement.add(prefix, job, result.clone());
        }
        for &(section, seat) in &desk.touched {
            let Some(category) = desk.plans.get(&section).and_then(|plan| plan.category(seat)) else { continue };
            let state = match desk.ledgers.get(&section).map(|ledger| ledger.state(seat)).unwrap_or_default() {
                SeatState::Free => seat_state::FREE,
                SeatState::Held => seat_state::HELD,
                SeatState::Sold => seat_state::SOLD,
            };
            let settlement = settlements.entry(section.0).or_insert_with(|| self.nothing(prefix, section.0));
            settlement.seats.push((seat, state, category));
        }
        settlements.into_values().collect()
    }

    /// Only a reply, and the end of the locks.
    pub(super) fn only_reply(&self, prefix: &str, job: &Job, result: ReplyResult) -> Settlement {
        let mut settlement = self.nothing(prefix, job.command.event);
        settlement.add(prefix, job, result);
        settlement
    }

    #[expect(clippy::unused_self, reason = "reads as one of the settlements that can be made")]
    pub(super) fn nothing(&self, prefix: &str, event: EventId) -> Settlement {
        let keys = EventKeys::new(prefix, event);
        Settlement { event, keys, seats: Vec::new(), replies: Vec::new(), locked: BTreeSet::new(), bookings: Vec::new() }
    }

    /// Returns the map's version, 0 if it was not touched.
    pub(super) async fn run(&self, redis: &Redis, settlement: &Settlement, doubtful: bool) -> RedisResult<u64> {
        let Settlement { keys, seats, replies, locked, bookings, .. } = settlement;
        let mut names = vec![keys.seat_map(), keys.seat_map_version(), keys.availability()];
        names.extend(locked.iter().map(|&seat| keys.seat_lock(seat)));
        let mut args =
            vec![keys.seat_deltas(), u8::from(doubtful).to_string(), seats.len().to_string(), replies.len().to_string()];
        args.extend(seats.iter().flat_map(|(seat, state, category)| [seat.to_string(), state.to_string(), category.to_string()]));
        args.extend(replies.iter().flat_map(|(channel, payload)| [channel.clone(), payload.clone()]));
        args.extend(bookings.iter().cloned());
        redis.eval(&self.script, &names, &args).await
    }
}

impl Settlement {
    /// A job's reply, and the locks it may have.
    fn add(&mut self, prefix: &str, job: &Job, result: ReplyResult) {
        self.replies.extend(reply(prefix, job, result));
        if let Some((request, seats)) = named(job) {
            self.locked.extend(seats);
            self.bookings.push(request.booking.to_string());
        }
    }
}

fn reply(prefix: &str, job: &Job, result: ReplyResult) -> Option<(String, String)> {
    let (gateway, reply) = job.reply(result)?;
    // A reply is plain data: it always has a JSON form.
    Some((reply_channel(prefix, gateway), serde_json::to_string(&reply).ok()?))
}
