//! A hold's deadline has passed.

use jiff::Timestamp;

use super::WorkingSet;
use crate::{
    BookingId,
    booking::{Answer, AnyBooking, BookingState, Change},
};

impl WorkingSet {
    /// Ends a hold whose deadline has passed by the database's clock, whatever the sender's clock said.
    pub(super) fn expire(&mut self, id: BookingId, now: Timestamp, changes: &mut Vec<Change>) -> Answer {
        self.expire_if_due(id, now, changes).map_or(Answer::Unknown, |state| Answer::State { state })
    }

    /// The booking's state afterwards; none if there is no such booking.
    pub(super) fn expire_if_due(&mut self, id: BookingId, now: Timestamp, changes: &mut Vec<Change>) -> Option<BookingState> {
        let booking = self.leave(id)?;
        let AnyBooking::Held(held) = booking else {
            let state = booking.state();
            self.enter(booking);
            return Some(state);
        };
        match held.expire(now) {
            Ok(expired) => self.moved(BookingState::Held, AnyBooking::Expired(expired), None, changes),
            Err(held) => self.enter(AnyBooking::Held(held)),
        }
        self.bookings.get(&id).map(AnyBooking::state)
    }
}
