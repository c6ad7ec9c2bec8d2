//! The fan gives a held booking back.

use goticket_contracts::{events::BookingFact, replies::ReplyResult};
use goticket_domain::{
    AccountId, BookingId,
    booking::{Booking, BookingState, Held},
};

use super::desk::Desk;

impl Desk {
    /// Only a hold can be given back, and only by whoever has it; anything else is answered with the state as it is.
    pub(crate) fn cancel(&mut self, booking: BookingId, account: AccountId) -> ReplyResult {
        let Some(card) = self.cards.get(&booking).filter(|card| card.account == account).cloned() else {
            return ReplyResult::Unknown;
        };
        if card.state == BookingState::Held {
            let cancelled = Booking { id: booking, state: Held { deadline: card.hold_expires_at } }.cancel();
            self.move_to(cancelled.id, BookingState::Cancelled);
            self.tell(card.section.0, BookingFact::BookingCancelled { booking, seats: card.seats });
            return ReplyResult::State { state: BookingState::Cancelled };
        }
        self.touch(card.section, &card.seats);
        ReplyResult::State { state: card.state }
    }
}
