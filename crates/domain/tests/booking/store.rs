//! What is stored, with the constraints that the database has: a change is written under the guard it was decided under, or not at all.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use goticket_domain::{
    AccountId, BookingId, PaymentId, SeatNo,
    booking::{
        AnyBooking, BookingState, Change, HeldSeats, IdempotencyKey, Needs, NewBooking, Outcome, PayloadHash, PaymentChange,
        RefusedRequest, SectionPlan, StoredPayment, Terms, Transition, WorkingSet,
    },
    payment::PaymentState,
};

use crate::hall::EVENT;

#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Store {
    pub(crate) bookings: BTreeMap<BookingId, AnyBooking>,
    /// What was decided under each key; never changed.
    pub(crate) answers: BTreeMap<(AccountId, IdempotencyKey), (PayloadHash, Outcome)>,
    pub(crate) payments: BTreeMap<PaymentId, StoredPayment>,
    pub(crate) notices: BTreeSet<(String, String)>,
    /// One seat, one owner.
    pub(crate) taken: BTreeMap<SeatNo, BookingId>,
}

/// The constraint or guard that did not hold: something is other than whoever decided remembered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Stale {
    OneOutcome,
    BookingId,
    Seat,
    Booking,
    Payment,
    Notice,
}

impl Store {
    /// All of them, or none.
    pub(crate) fn write<'a>(&self, changes: impl IntoIterator<Item = &'a Change>) -> Result<Self, Stale> {
        let mut next = self.clone();
        changes.into_iter().try_for_each(|change| next.change(change)).map(|()| next)
    }

    fn change(&mut self, change: &Change) -> Result<(), Stale> {
        match change {
            Change::Held(NewBooking { order, key, payload_hash }) => {
                let held = HeldSeats { seats: order.seats.clone(), total: order.total, expires_at: order.hold_expires_at };
                self.answer(order.account, key, *payload_hash, Outcome::Held { booking: order.id, held })?;
                self.take(&order.seats, order.id)?;
                self.bookings.insert(order.id, AnyBooking::restore(order.clone(), BookingState::Held));
            }
            Change::Refused(RefusedRequest { booking, account, key, payload_hash, refusal, .. }) => {
                self.answer(*account, key, *payload_hash, Outcome::Refused { booking: *booking, refusal: refusal.clone() })?;
            }
            Change::Moved(moved) => self.move_booking(moved)?,
            Change::Payment(change) => self.move_payment(change)?,
            Change::NoticeSeen { provider, id } => {
                guard(self.notices.insert((provider.clone(), id.clone())), Stale::Notice)?;
            }
        }
        Ok(())
    }

    fn answer(&mut self, account: AccountId, key: &IdempotencyKey, hash: PayloadHash, outcome: Outcome) -> Result<(), Stale> {
        let fresh = self.answers.values().all(|(_, known)| known.booking() != outcome.booking());
        let one = self.answers.insert((account, key.clone()), (hash, outcome)).is_none();
        guard(one, Stale::OneOutcome)?;
        guard(fresh, Stale::BookingId)
    }

    fn take(&mut self, seats: &[SeatNo], booking: BookingId) -> Result<(), Stale> {
        guard(seats.iter().all(|seat| self.taken.insert(*seat, booking).is_none()), Stale::Seat)
    }

    fn move_booking(&mut self, moved: &Transition) -> Result<(), Stale> {
        let stored = self.bookings.remove(&moved.booking).ok_or(Stale::Booking)?;
        guard(stored.state() == moved.from, Stale::Booking)?;
        match (moved.from.is_live(), moved.to.is_live()) {
            (true, false) => {
                guard(moved.seats.iter().all(|seat| self.taken.remove(seat) == Some(moved.booking)), Stale::Seat)?;
            }
            (false, true) => self.take(&moved.seats, moved.booking)?,
            (true, true) | (false, false) => {}
        }
        self.bookings.insert(moved.booking, AnyBooking::restore(stored.order().clone(), moved.to));
        Ok(())
    }

    fn move_payment(&mut self, change: &PaymentChange) -> Result<(), Stale> {
        let PaymentChange { payment, booking, provider, asked, from, to, .. } = change;
        let before = StoredPayment { booking: *booking, provider: provider.clone(), asked: *asked, state: *from };
        guard(self.payments.get(payment) == Some(&before), Stale::Payment)?;
        self.payments.insert(*payment, StoredPayment { state: *to, ..before });
        Ok(())
    }

    /// The gateway opens an attempt to pay for a booking, as it knows it.
    pub(crate) fn open_payment(&mut self, id: PaymentId, booking: BookingId, provider: &str) {
        let asked = self.bookings[&booking].order().total;
        let payment = StoredPayment { booking, provider: provider.to_owned(), asked, state: PaymentState::Open };
        assert_eq!(self.payments.insert(id, payment), None, "opened twice");
    }

    pub(crate) fn state(&self, booking: BookingId) -> Option<BookingState> {
        self.bookings.get(&booking).map(AnyBooking::state)
    }

    /// A set as a process that has just begun makes it.
    pub(crate) fn load(&self, terms: Terms, sections: &[Arc<SectionPlan>]) -> WorkingSet {
        let live = self.bookings.values().filter(|booking| booking.state().is_live()).cloned().collect();
        WorkingSet::new(EVENT, terms, sections.to_vec(), live)
    }

    /// Tells a set what it needs.
    pub(crate) fn tell(&self, needs: &Needs, set: &mut WorkingSet) {
        for booking in needs.bookings.iter().filter_map(|id| self.bookings.get(id)) {
            set.learn_booking(booking.clone());
        }
        for id in &needs.payments {
            set.learn_payment(*id, self.payments.get(id).cloned());
        }
        for asked in &needs.keys {
            if let Some((hash, outcome)) = self.answers.get(asked) {
                set.learn_answer(asked.0, asked.1.clone(), *hash, outcome.clone());
            }
        }
        for (provider, id) in needs.notices.intersection(&self.notices) {
            set.learn_notice(provider.clone(), id.clone());
        }
    }
}

fn guard(holds: bool, stale: Stale) -> Result<(), Stale> {
    if holds { Ok(()) } else { Err(stale) }
}
