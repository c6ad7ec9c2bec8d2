//! What a lane's owner remembers of its events. Bounded: what was not asked for the longest is forgotten, and read again when it is.

use std::collections::HashMap;

use goticket_contracts::redis_keys::seat_state;
use goticket_domain::{
    EventId, SeatNo,
    booking::{SeatState, Terms, WorkingSet},
};

/// The events of one lane.
#[derive(Debug)]
pub(super) struct Memory {
    events: HashMap<EventId, Remembered>,
    seats_max: usize,
    uses: u64,
}

/// One event.
#[derive(Debug)]
pub(super) struct Remembered {
    pub(super) set: WorkingSet,
    /// The lane's sequence at which the seat map last changed; none: all of it is to be published.
    pub(super) map: Option<i64>,
    /// The higher, the later it was asked for.
    used: u64,
}

impl Memory {
    /// Remembers events of `seats_max` seats together, and the one in hand however many it has.
    pub(super) fn new(seats_max: usize) -> Self {
        Self { events: HashMap::new(), seats_max, uses: 0 }
    }

    pub(super) fn get(&mut self, event: EventId) -> Option<&mut Remembered> {
        self.uses += 1;
        let remembered = self.events.get_mut(&event)?;
        remembered.used = self.uses;
        Some(remembered)
    }

    pub(super) fn knows(&self, event: EventId) -> bool {
        self.events.contains_key(&event)
    }

    pub(super) fn insert(&mut self, set: WorkingSet) {
        self.uses += 1;
        self.events.insert(set.event(), Remembered { set, map: None, used: self.uses });
    }

    pub(super) fn forget(&mut self, event: EventId) {
        self.events.remove(&event);
    }

    pub(super) fn clear(&mut self) {
        self.events.clear();
    }

    /// Forgets events beyond the limit, those that were not asked for the longest first; `in_hand` stays.
    pub(super) fn shrink(&mut self, in_hand: &[EventId]) {
        let mut seats: usize = self.events.values().map(|event| event.set.capacity()).sum();
        while seats > self.seats_max {
            let idle = self.events.iter().filter(|(event, _)| !in_hand.contains(event));
            let Some((&oldest, remembered)) = idle.min_by_key(|(_, event)| event.used) else { return };
            seats -= remembered.set.capacity();
            self.events.remove(&oldest);
        }
    }

    pub(super) fn events(&self) -> Vec<EventId> {
        self.events.keys().copied().collect()
    }

    pub(super) fn set_terms(&mut self, event: EventId, terms: Terms) {
        if let Some(remembered) = self.events.get_mut(&event) {
            remembered.set.set_terms(terms);
        }
    }

    pub(super) fn whole_map(&mut self, event: EventId) {
        if let Some(remembered) = self.events.get_mut(&event) {
            remembered.map = None;
        }
    }
}

impl Remembered {
    /// The whole seat map: two bits per seat, the first seat in the highest bits.
    pub(super) fn bitmap(&self) -> Vec<u8> {
        const SEATS_PER_BYTE: usize = 4;
        let mut bytes = vec![0_u8; self.set.capacity().div_ceil(SEATS_PER_BYTE)];
        for booking in self.set.live() {
            for seat in &booking.order().seats {
                let index = usize::try_from(seat.0).unwrap_or(usize::MAX);
                if let Some(byte) = bytes.get_mut(index / SEATS_PER_BYTE) {
                    *byte |= code(self.set.state(*seat)) << (6 - 2 * (index % SEATS_PER_BYTE));
                }
            }
        }
        bytes
    }

    /// The state of a seat, as the map has it.
    pub(super) fn code(&self, seat: SeatNo) -> u8 {
        code(self.set.state(seat))
    }
}

fn code(state: SeatState) -> u8 {
    match state {
        SeatState::Free => seat_state::FREE,
        SeatState::Held => seat_state::HELD,
        SeatState::Sold => seat_state::SOLD,
    }
}
