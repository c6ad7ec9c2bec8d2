//! The fan gives a held booking back, or a request that is not decided yet.

use super::WorkingSet;
use crate::{
    AccountId, BookingId,
    booking::{Answer, AnyBooking, BookingState, Change, Outcome, RefusalReason, RefusedRequest, UndecidedRequest},
};

impl WorkingSet {
    /// Only a hold can be given back, and only by whoever has it; anything else is answered with the state as it is. A cancellation
    /// that overtook its request decides the request's key: it is refused. If the key was decided before, for another copy of the
    /// request, the fan gives back what the key stands for: a hold is cancelled, whatever its id; anything else is the answer.
    pub(super) fn cancel(
        &mut self,
        id: BookingId,
        account: AccountId,
        undecided: Option<&UndecidedRequest>,
        changes: &mut Vec<Change>,
    ) -> Answer {
        match self.bookings.get(&id).filter(|booking| booking.order().account == account) {
            Some(AnyBooking::Held(_)) => self.give_back(id, changes),
            Some(booking) => Answer::State { state: booking.state() },
            None => undecided.map_or(Answer::Unknown, |request| self.cancel_key(id, account, request, changes)),
        }
    }

    fn give_back(&mut self, id: BookingId, changes: &mut Vec<Change>) -> Answer {
        if let Some(AnyBooking::Held(held)) = self.leave(id) {
            self.moved(BookingState::Held, AnyBooking::Cancelled(held.cancel()), None, changes);
        }
        Answer::State { state: BookingState::Cancelled }
    }

    fn cancel_key(
        &mut self,
        booking: BookingId,
        account: AccountId,
        request: &UndecidedRequest,
        changes: &mut Vec<Change>,
    ) -> Answer {
        if self.bookings.contains_key(&booking) {
            // Somebody else's.
            return Answer::Unknown;
        }
        let UndecidedRequest { key, payload_hash, section } = request.clone();
        if let Some(answer) = self.known(booking, account, &key, payload_hash) {
            return match answer {
                // A hold is live, so it is here whether or not it was looked up; what ended may not be, and is not asked for.
                Answer::Decided { decided: Outcome::Held { booking: held, .. }, .. }
                    if matches!(self.bookings.get(&held), Some(AnyBooking::Held(_))) =>
                {
                    self.give_back(held, changes)
                }
                answer => answer,
            };
        }
        let refusal = RefusalReason::Cancelled.into();
        let refused = RefusedRequest { booking, event: self.event, section, account, key, payload_hash, refusal };
        self.settle_refusal(refused, changes)
    }
}
