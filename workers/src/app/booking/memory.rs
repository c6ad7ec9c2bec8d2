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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use goticket_domain::{
        booking::SectionPlan,
        catalog::EventStatus,
        seating::{LayoutSeat, LayoutSection, SectionKind},
    };
    use jiff::Timestamp;
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;

    const SEATS: u32 = 10;

    fn event(id: u128) -> EventId {
        EventId(Uuid::from_u128(id))
    }

    fn set(id: u128) -> WorkingSet {
        let seat = |no: u32| LayoutSeat {
            no,
            row: 0,
            block: 0,
            row_label: String::new(),
            number: no.to_string(),
            guid: no.to_string(),
            category: 0,
            x: None,
            y: None,
        };
        let section = LayoutSection {
            no: 0,
            name: "Floor".to_owned(),
            kind: SectionKind::Standing,
            area: None,
            first_seat: 0,
            seats: (0..SEATS).map(seat).collect(),
        };
        let terms = Terms {
            status: EventStatus::Published,
            onsale_at: Timestamp::MIN,
            starts_at: Timestamp::MAX,
            hold_seconds: 60,
            ticket_limit: 10,
            currency: iso_currency::Currency::EUR,
            prices: Vec::new(),
        };
        WorkingSet::new(event(id), terms, vec![Arc::new(SectionPlan::new(&section))], Vec::new())
    }

    /// Events 1, 2, 3 of ten seats each come, then 1 is asked for; 3 is in hand.
    #[rstest]
    #[case::room_for_all(30, &[1, 2, 3])]
    #[case::one_seat_too_few(29, &[1, 3])]
    #[case::room_for_two(20, &[1, 3])]
    #[case::room_for_one(10, &[3])]
    #[case::no_room_at_all(0, &[3])]
    fn what_was_not_asked_for_the_longest_is_forgotten(#[case] seats_max: usize, #[case] kept: &[u128]) {
        let mut memory = Memory::new(seats_max);
        for id in 1..=3 {
            memory.insert(set(id));
        }
        assert!(memory.get(event(1)).is_some());
        memory.shrink(&[event(3)]);
        let mut left = memory.events();
        left.sort_unstable();
        assert_eq!(left, kept.iter().copied().map(event).collect::<Vec<_>>());
    }
}
