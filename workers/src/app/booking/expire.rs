//! A hold's deadline has passed.

use goticket_contracts::{events::BookingFact, replies::ReplyResult};
use goticket_domain::{
    BookingId,
    booking::{Booking, BookingState, Held},
};

use super::desk::{Card, Desk};

impl Desk {
    /// Ends a hold whose deadline has passed by the database's clock, whatever the sender's clock said.
    pub(crate) fn expire(&mut self, booking: BookingId) -> ReplyResult {
        let Some(card) = self.cards.get(&booking).cloned() else { return ReplyResult::Unknown };
        let state = self.expire_if_due(&card);
        if state == card.state {
            self.touch(card.section, &card.seats);
        }
        ReplyResult::State { state }
    }

    /// The booking's state afterwards.
    pub(super) fn expire_if_due(&mut self, card: &Card) -> BookingState {
        if card.state != BookingState::Held {
            return card.state;
        }
        let held = Booking { id: card.id, state: Held { deadline: card.hold_expires_at } };
        let Ok(expired) = held.expire(self.now) else { return card.state };
        self.move_to(expired.id, BookingState::Expired);
        self.tell(card.section.0, BookingFact::BookingExpired { booking: card.id, seats: card.seats.clone() });
        BookingState::Expired
    }
}
