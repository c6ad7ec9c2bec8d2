//! What the world outside the database is told of a committed batch: one event's part of it.

use std::collections::BTreeSet;

use goticket_contracts::replies::Reply;
use goticket_domain::{BookingId, CategoryNo, EventId, SeatNo, booking::SeatCount};

use super::{job::Job, memory::Remembered};
use goticket_domain::booking::Answer;

/// See the module.
#[derive(Clone, Debug)]
pub struct Publication {
    /// Which event.
    pub event: EventId,
    /// What changed in its seat map; none if nothing did.
    pub map: Option<MapUpdate>,
    /// To waiting gateways: the instance, what it is told.
    pub replies: Vec<(String, Reply)>,
    /// Locks that have served, with the booking they were taken for.
    pub locks: Vec<(SeatNo, BookingId)>,
}

/// A change of a seat map. States are absolute.
#[derive(Clone, Debug)]
pub struct MapUpdate {
    /// The lane's sequence at which the map changed before; a map that stands earlier has missed something.
    pub previous: i64,
    /// The lane's sequence at which it has these states.
    pub version: i64,
    /// Seats and their states, see [`goticket_contracts::redis_keys::seat_state`].
    pub changes: Vec<(SeatNo, u8)>,
    /// The whole map, if it is to be replaced.
    pub whole: Option<Vec<u8>>,
    /// Free and held seats by category.
    pub counts: Vec<(CategoryNo, SeatCount)>,
}

impl Publication {
    pub(crate) fn new(event: EventId) -> Self {
        Self { event, map: None, replies: Vec::new(), locks: Vec::new() }
    }

    /// The reply to a command that was not decided.
    pub(super) fn only_reply(job: &Job, answer: Answer) -> Self {
        let mut publication = Self::new(job.event());
        publication.reply(job, answer);
        publication
    }

    pub(super) fn reply(&mut self, job: &Job, answer: Answer) {
        if let Some((gateway, reply)) = job.reply(answer) {
            self.replies.push((gateway.to_owned(), reply));
        }
    }
}

impl Remembered {
    /// What is to be published of the seats that a transaction changed, which left the lane at `version`.
    pub(super) fn map_update(&mut self, version: i64, seats: &BTreeSet<SeatNo>) -> Option<MapUpdate> {
        let whole = self.map.is_none();
        if seats.is_empty() && !whole {
            return None;
        }
        let previous = self.map.replace(version).unwrap_or(version);
        Some(MapUpdate {
            previous,
            version,
            changes: if whole { Vec::new() } else { seats.iter().map(|seat| (*seat, self.code(*seat))).collect() },
            whole: whole.then(|| self.bitmap()),
            counts: self.set.counts().collect(),
        })
    }
}
