//! Who has which seat of one event, in memory.

use std::collections::HashMap;

use crate::{BookingId, SeatNo};

/// What a seat is to everybody else.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SeatState {
    /// It has no live booking.
    #[default]
    Free,
    /// On hold: may come back.
    Held,
    /// Sold.
    Sold,
}

/// The taken seats of one event. A seat that is not here is free.
#[derive(Clone, Debug, Default)]
pub struct TakenSeats {
    /// One bit per seat, for scanning.
    bits: Vec<u64>,
    owners: HashMap<SeatNo, BookingId>,
}

impl TakenSeats {
    /// A seat has one owner; none: it is free.
    pub fn owner(&self, seat: SeatNo) -> Option<BookingId> {
        self.owners.get(&seat).copied()
    }

    /// Whether it has an owner.
    pub fn is_taken(&self, seat: SeatNo) -> bool {
        let (word, bit) = place(seat);
        self.bits.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// How many are taken.
    pub fn len(&self) -> usize {
        self.owners.len()
    }

    /// All seats are free.
    pub fn is_empty(&self) -> bool {
        self.owners.is_empty()
    }

    pub(super) fn take(&mut self, seats: &[SeatNo], booking: BookingId) {
        for &seat in seats {
            let (word, bit) = place(seat);
            if self.bits.len() <= word {
                self.bits.resize(word + 1, 0);
            }
            self.bits[word] |= bit;
            self.owners.insert(seat, booking);
        }
    }

    pub(super) fn free(&mut self, seats: &[SeatNo]) {
        for seat in seats {
            let (word, bit) = place(*seat);
            if let Some(bits) = self.bits.get_mut(word) {
                *bits &= !bit;
            }
            self.owners.remove(seat);
        }
    }
}

fn place(seat: SeatNo) -> (usize, u64) {
    (usize::try_from(seat.0 / u64::BITS).unwrap_or(usize::MAX), 1 << (seat.0 % u64::BITS))
}
