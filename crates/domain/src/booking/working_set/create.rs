//! A fan asks for seats.

use jiff::{SignedDuration, Timestamp};

use super::WorkingSet;
use crate::{
    Money, SeatNo,
    booking::{
        Answer, AnyBooking, Booking, BookingRequest, Change, HeldSeats, NewBooking, Order, Outcome, Refusal, RefusedRequest,
    },
};

impl WorkingSet {
    /// Decides a request, or repeats what was decided under its key.
    pub(super) fn create(&mut self, request: &BookingRequest, now: Timestamp, changes: &mut Vec<Change>) -> Answer {
        if let Some(answer) = self.known(request.booking, request.account, &request.key, request.payload_hash) {
            return answer;
        }
        match self.choose(request, now) {
            Ok(seats) => self.settle_held(request, seats, now, changes),
            Err(refusal) => self.settle_refused(request, refusal, changes),
        }
    }

    fn settle_held(&mut self, request: &BookingRequest, seats: Vec<SeatNo>, now: Timestamp, changes: &mut Vec<Change>) -> Answer {
        let prices = self.prices(request, &seats);
        let order = Order {
            id: request.booking,
            event: request.event,
            section: request.section,
            account: request.account,
            total: Money { amount_minor: prices.iter().sum(), currency: self.terms.currency },
            hold_expires_at: now + SignedDuration::from_secs(i64::from(self.terms.hold_seconds)),
            seats,
            prices,
        };
        let held = HeldSeats { seats: order.seats.clone(), total: order.total, expires_at: order.hold_expires_at };
        let outcome = Outcome::Held { booking: request.booking, held };
        self.remember(request.account, &request.key, request.payload_hash, outcome.clone());
        let (key, payload_hash) = (request.key.clone(), request.payload_hash);
        changes.push(Change::Held(NewBooking { order: order.clone(), key, payload_hash }));
        self.enter(AnyBooking::Held(Booking::hold(order)));
        Answer::Decided { decided: outcome, replayed: false }
    }

    /// The price of each seat. A category without one was refused before.
    fn prices(&self, request: &BookingRequest, seats: &[SeatNo]) -> Vec<i64> {
        let plan = self.sections.get(&request.section);
        let price = |seat: &SeatNo| self.terms.price(plan?.category(*seat)?);
        seats.iter().map(|seat| price(seat).unwrap_or_default()).collect()
    }

    pub(super) fn settle_refused(&mut self, request: &BookingRequest, refusal: Refusal, changes: &mut Vec<Change>) -> Answer {
        let BookingRequest { booking, event, section, account, payload_hash, .. } = *request;
        let key = request.key.clone();
        self.settle_refusal(RefusedRequest { booking, event, section, account, key, payload_hash, refusal }, changes)
    }

    pub(super) fn settle_refusal(&mut self, refused: RefusedRequest, changes: &mut Vec<Change>) -> Answer {
        let outcome = Outcome::Refused { booking: refused.booking, refusal: refused.refusal.clone() };
        self.remember(refused.account, &refused.key, refused.payload_hash, outcome.clone());
        changes.push(Change::Refused(refused));
        Answer::Decided { decided: outcome, replayed: false }
    }
}
