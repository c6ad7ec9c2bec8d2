//! From the changes of a batch to the rows that are written: each row once, as it is at the batch's end.

use std::collections::{BTreeMap, HashMap, hash_map::Entry};

use goticket_contracts::events::{BookingFact, DomainEvent};
use goticket_domain::{
    BookingId, EventId, PaymentId, SeatNo, TicketId,
    booking::{BookingState, Change, Transition},
};
use goticket_storage::bookings::write::{Batch, DecidedRequest, Decision, MovedBooking, MovedPayment, NewTicket, SeatChange};
use jiff::Timestamp;

use super::ticket_code;

/// Folds changes, in their order, into a batch.
pub(super) fn fold(changes: &[(EventId, Vec<Change>)], now: Timestamp) -> Batch {
    let mut folding = Folding::default();
    for (event, changes) in changes {
        for change in changes {
            folding.add(*event, change);
            let fact = BookingFact::of(change);
            folding.batch.events.extend(fact.map(|fact| DomainEvent::new(*event, now, fact)));
        }
    }
    folding.finish()
}

#[derive(Default)]
struct Folding {
    batch: Batch,
    /// Requests of this batch, as indices of `batch.decided`.
    made: HashMap<BookingId, usize>,
    moved: HashMap<BookingId, MovedBooking>,
    payments: HashMap<PaymentId, MovedPayment>,
    /// Owner before the batch, owner now. In order, so that batches look alike.
    seats: BTreeMap<(EventId, SeatNo), (Option<BookingId>, Option<BookingId>)>,
}

impl Folding {
    fn add(&mut self, event: EventId, change: &Change) {
        match change {
            Change::Held(made) => {
                self.made.insert(made.order.id, self.batch.decided.len());
                self.batch.decided.push(DecidedRequest {
                    key: made.key.clone(),
                    payload_hash: made.payload_hash,
                    decision: Decision::Held(made.order.clone(), BookingState::Held),
                });
                self.own(event, &made.order.seats, None, Some(made.order.id));
            }
            Change::Refused(refused) => self.batch.decided.push(DecidedRequest {
                key: refused.key.clone(),
                payload_hash: refused.payload_hash,
                decision: Decision::Refused {
                    booking: refused.booking,
                    event: refused.event,
                    section: refused.section,
                    account: refused.account,
                    refusal: refused.refusal.clone(),
                },
            }),
            Change::Moved(moved) => self.moved(event, moved),
            Change::Payment(change) => match self.payments.entry(change.payment) {
                Entry::Occupied(mut known) => known.get_mut().to = change.to,
                Entry::Vacant(new) => {
                    new.insert(MovedPayment {
                        payment: change.payment,
                        booking: change.booking,
                        provider: change.provider.clone(),
                        asked: change.asked,
                        from: change.from,
                        to: change.to,
                    });
                }
            },
            Change::NoticeSeen { provider, id } => self.batch.notices.push((provider.clone(), id.clone())),
        }
    }

    fn moved(&mut self, event: EventId, moved: &Transition) {
        let made = self.made.get(&moved.booking).and_then(|index| self.batch.decided.get_mut(*index));
        match made.map(|request| &mut request.decision) {
            Some(Decision::Held(_, state)) => *state = moved.to,
            _ => self.move_stored(moved),
        }
        match (moved.from.is_live(), moved.to.is_live()) {
            (true, false) => self.own(event, &moved.seats, Some(moved.booking), None),
            (false, true) => self.own(event, &moved.seats, None, Some(moved.booking)),
            _ => {}
        }
        if moved.to == BookingState::Confirmed {
            let ticket = |&seat: &SeatNo| {
                let (id, booking, code) = (TicketId::generate(), moved.booking, ticket_code::draw());
                NewTicket { id, booking, event, seat, code }
            };
            self.batch.tickets.extend(moved.seats.iter().map(ticket));
        }
    }

    fn move_stored(&mut self, moved: &Transition) {
        // Only the first step leaves the state that is stored, and only out of a hold the deadline decides.
        let overdue = match (moved.from, moved.to) {
            (BookingState::Held, BookingState::Confirmed) => Some(false),
            (BookingState::Held, BookingState::Expired) => Some(true),
            _ => None,
        };
        let new = MovedBooking { booking: moved.booking, from: moved.from, to: moved.to, overdue };
        self.moved.entry(moved.booking).and_modify(|known| known.to = moved.to).or_insert(new);
    }

    fn own(&mut self, event: EventId, seats: &[SeatNo], before: Option<BookingId>, after: Option<BookingId>) {
        for &seat in seats {
            self.seats.entry((event, seat)).and_modify(|(_, now)| *now = after).or_insert((before, after));
        }
    }

    fn finish(self) -> Batch {
        let Self { mut batch, moved, payments, seats, .. } = self;
        let changed = seats.into_iter().filter(|(_, (before, after))| before != after);
        batch.seats = changed.map(|((event, seat), (from, to))| SeatChange { event, seat, from, to }).collect();
        batch.moved = moved.into_values().collect();
        batch.payments = payments.into_values().collect();
        batch
    }
}
