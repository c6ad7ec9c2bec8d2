//! What the world outside the database is told of a committed batch: one event's part of it.

use goticket_contracts::replies::Reply;
use goticket_domain::{BookingId, CategoryNo, EventId, SeatNo, booking::SeatCount};

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
    /// Nothing is told of this event yet.
    pub(crate) fn new(event: EventId) -> Self {
        Self { event, map: None, replies: Vec::new(), locks: Vec::new() }
    }
}
