//! What the owner of an event decides with: its terms, its seats and who has them, its live bookings, and what was answered lately.
//!
//! One working set knows one event. It is complete in what is live; what ended, and answers of long ago, are [looked up](Needs) and
//! told to it. Deciding changes it at once, so that the next command sees it: whoever cannot write the changes [takes them
//! back](WorkingSet::take_back), or throws the set away.

mod answers;
mod cancel;
mod choose;
mod create;
mod expire;
mod needs;
mod pay;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;

use self::answers::{Answers, Known};
pub use self::needs::Needs;
use super::{
    Answer, AnyBooking, BookingRequest, BookingState, Change, Command, IdempotencyKey, Outcome, PayloadHash, PaymentChange,
    Refusal, SeatCount, SeatState, SectionPlan, TakenSeats, Terms, Transition, counts::Counts,
};
use crate::{AccountId, BookingId, CategoryNo, EventId, Money, PaymentId, SeatNo, SectionNo, payment::PaymentState};

/// What a command came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Applied {
    /// What whoever asked is told.
    pub answer: Answer,
    /// What has changed, in order.
    pub changes: Vec<Change>,
}

/// A payment as it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredPayment {
    /// For which booking.
    pub booking: BookingId,
    /// At which provider.
    pub provider: String,
    /// What was asked for.
    pub asked: Money,
    /// Its state.
    pub state: PaymentState,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct WorkingSet {
    event: EventId,
    terms: Terms,
    sections: HashMap<SectionNo, Arc<SectionPlan>>,
    taken: TakenSeats,
    counts: Counts,
    /// Every live booking; ended ones until the end of the batch.
    bookings: HashMap<BookingId, AnyBooking>,
    tickets: HashMap<AccountId, u32>,
    answers: Answers,
    /// Looked up in this batch, or changed by it; what is not here is as its notice says.
    payments: HashMap<PaymentId, Option<StoredPayment>>,
    seen: HashSet<(String, String)>,
    looked_up: HashSet<BookingId>,
}

impl WorkingSet {
    /// An event with its sections, and every live booking it has.
    pub fn new(event: EventId, terms: Terms, sections: Vec<Arc<SectionPlan>>, live: Vec<AnyBooking>) -> Self {
        let mut counts = Counts::default();
        for section in &sections {
            section.numbered().for_each(|(_, category)| counts.add(section.no(), category));
        }
        let mut set = Self {
            event,
            terms,
            sections: sections.into_iter().map(|section| (section.no(), section)).collect(),
            taken: TakenSeats::default(),
            counts,
            bookings: HashMap::new(),
            tickets: HashMap::new(),
            answers: Answers::default(),
            payments: HashMap::new(),
            seen: HashSet::new(),
            looked_up: HashSet::new(),
        };
        for booking in live {
            set.enter(booking);
        }
        set
    }

    /// Which event.
    pub fn event(&self) -> EventId {
        self.event
    }

    /// The organizer has changed the terms.
    pub fn set_terms(&mut self, terms: Terms) {
        self.terms = terms;
    }

    /// Decides one command. `now` is the database's clock and never goes back.
    pub fn apply(&mut self, command: &Command, now: Timestamp) -> Applied {
        let mut changes = Vec::new();
        let answer = match command {
            Command::Create { request } => self.create(request, now, &mut changes),
            Command::Pay { notice } => self.pay(notice, now, &mut changes),
            Command::Cancel { booking, account, undecided } => self.cancel(*booking, *account, undecided.as_ref(), &mut changes),
            Command::Expire { booking } => self.expire(*booking, now, &mut changes),
            Command::Refunded { payment, booking } => self.refunded(*payment, *booking, &mut changes),
        };
        Applied { answer, changes }
    }

    /// Refuses a request without looking at its seats; a key that was decided keeps its outcome.
    pub fn refuse(&mut self, request: &BookingRequest, refusal: Refusal) -> Applied {
        let mut changes = Vec::new();
        let BookingRequest { booking, account, payload_hash, .. } = *request;
        let known = self.known(booking, account, &request.key, payload_hash);
        let answer = known.unwrap_or_else(|| self.settle_refused(request, refusal, &mut changes));
        Applied { answer, changes }
    }

    /// Undoes the latest changes of this batch, because they could not be written: the set is as it was before them.
    pub fn take_back(&mut self, changes: &[Change]) {
        for change in changes.iter().rev() {
            match change {
                Change::Held(made) => {
                    self.leave(made.order.id);
                    self.answers.forget(made.order.account, &made.key);
                }
                Change::Refused(request) => self.answers.forget(request.account, &request.key),
                Change::Moved(moved) => {
                    if let Some(booking) = self.leave(moved.booking) {
                        self.enter(AnyBooking::restore(booking.order().clone(), moved.from));
                    }
                }
                Change::Payment(change) => {
                    let PaymentChange { payment, booking, provider, asked, from: state, .. } = change.clone();
                    self.payments.insert(payment, Some(StoredPayment { booking, provider, asked, state }));
                }
                Change::NoticeSeen { provider, id } => {
                    self.seen.remove(&(provider.clone(), id.clone()));
                }
            }
        }
    }

    /// Ends a batch: what was only looked up for it is forgotten, and of the answers the oldest beyond their limit.
    pub fn end_batch(&mut self) {
        for id in self.looked_up.drain() {
            if self.bookings.get(&id).is_some_and(|booking| !booking.state().is_live()) {
                self.bookings.remove(&id);
            }
        }
        self.payments.clear();
        self.seen.clear();
        self.answers.shrink();
    }

    /// The state of a seat.
    pub fn state(&self, seat: SeatNo) -> SeatState {
        match self.taken.owner(seat).and_then(|booking| self.bookings.get(&booking)).map(AnyBooking::state) {
            Some(BookingState::Held) => SeatState::Held,
            Some(BookingState::Confirmed) => SeatState::Sold,
            Some(BookingState::Expired | BookingState::Cancelled | BookingState::Refunded) | None => SeatState::Free,
        }
    }

    /// How many seats there are.
    pub fn capacity(&self) -> usize {
        self.sections.values().map(|section| section.len()).sum()
    }

    /// The taken seats.
    pub fn taken(&self) -> &TakenSeats {
        &self.taken
    }

    /// Every live booking, in no order.
    pub fn live(&self) -> impl Iterator<Item = &AnyBooking> {
        self.bookings.values().filter(|booking| booking.state().is_live())
    }

    /// Free and held seats of each category, ascending.
    pub fn counts(&self) -> impl Iterator<Item = (CategoryNo, SeatCount)> {
        self.counts.by_category()
    }

    /// A booking, if it is live or was told of in this batch.
    pub fn booking(&self, id: BookingId) -> Option<&AnyBooking> {
        self.bookings.get(&id)
    }

    /// Tickets an account has in live bookings.
    pub fn tickets(&self, account: AccountId) -> u32 {
        self.tickets.get(&account).copied().unwrap_or(0)
    }

    /// What is to be answered to a request whose key was decided before.
    fn known(&self, booking: BookingId, account: AccountId, key: &IdempotencyKey, hash: PayloadHash) -> Option<Answer> {
        match self.answers.look_up(account, key, hash) {
            // The id of another request, which must not lose its booking.
            Known::Nothing if self.bookings.contains_key(&booking) => Some(Answer::KeyReused),
            Known::Nothing => None,
            Known::Reused => Some(Answer::KeyReused),
            Known::Answered(decided) => Some(Answer::Decided { replayed: decided.booking() != booking, decided }),
        }
    }

    /// Adds a booking in its state, with its seats and tickets if it is live.
    fn enter(&mut self, booking: AnyBooking) {
        let state = booking.state();
        let order = booking.order();
        let id = order.id;
        if state.is_live() {
            self.taken.take(&order.seats, id);
            *self.tickets.entry(order.account).or_default() += quantity(&order.seats);
            if let Some(plan) = self.sections.get(&order.section) {
                plan.categories_of(&order.seats).for_each(|category| self.counts.take(order.section, category, state));
            }
        } else {
            self.looked_up.insert(id);
        }
        self.bookings.insert(id, booking);
    }

    /// Takes a booking out, with its seats and tickets if it is live.
    fn leave(&mut self, id: BookingId) -> Option<AnyBooking> {
        let booking = self.bookings.remove(&id)?;
        let state = booking.state();
        if state.is_live() {
            let order = booking.order();
            self.taken.free(&order.seats);
            if let Some(plan) = self.sections.get(&order.section) {
                plan.categories_of(&order.seats).for_each(|category| self.counts.free(order.section, category, state));
            }
            if let Some(tickets) = self.tickets.get_mut(&order.account) {
                *tickets = tickets.saturating_sub(quantity(&order.seats));
                if *tickets == 0 {
                    self.tickets.remove(&order.account);
                }
            }
        }
        Some(booking)
    }

    /// Puts a booking that [left](Self::leave) back in its new state, and notes the change.
    fn moved(&mut self, from: BookingState, booking: AnyBooking, payment: Option<PaymentId>, changes: &mut Vec<Change>) {
        let order = booking.order();
        let (booking_id, account, seats) = (order.id, order.account, order.seats.clone());
        changes.push(Change::Moved(Transition { booking: booking_id, account, seats, from, to: booking.state(), payment }));
        self.enter(booking);
    }

    fn remember(&mut self, account: AccountId, key: &IdempotencyKey, hash: PayloadHash, outcome: Outcome) {
        self.answers.remember(account, key.clone(), hash, outcome);
    }
}

fn quantity(seats: &[SeatNo]) -> u32 {
    u32::try_from(seats.len()).unwrap_or(u32::MAX)
}
