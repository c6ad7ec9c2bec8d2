//! The desk a batch is decided at: everything that was read for it, as it stands between two commands. No I/O: commands are
//! handled one by one in arrival order, and what has changed at the end is written.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use goticket_contracts::events::{BookingFact, DomainEvent};
use goticket_domain::{
    AccountId, BookingId, EventId, Money, PaymentId, TicketId,
    booking::{
        BookingState,
        decide::{Answers, Ledger, SeatState, SectionPlan},
    },
    payment::PaymentState,
};
use goticket_storage::bookings::{
    decide::EventTerms,
    locks::StoredPayment,
    sale::{NewRequest, NewTicket},
};
use jiff::Timestamp;

/// One section of one event.
pub(crate) type SectionKey = (EventId, u16);

/// A booking, stored or made in this batch.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    pub(crate) id: BookingId,
    pub(crate) section: SectionKey,
    pub(crate) account: AccountId,
    /// The state it was read in; none if it is new.
    pub(crate) stored: Option<BookingState>,
    pub(crate) state: BookingState,
    pub(crate) hold_expires_at: Timestamp,
    pub(crate) seats: Vec<u32>,
    /// Of a new one: what it costs, and each of its seats.
    pub(crate) price: Option<(Money, Vec<i64>)>,
}

/// A payment and where it stands now.
#[derive(Clone, Debug)]
pub(crate) struct Slip {
    pub(crate) stored: StoredPayment,
    pub(crate) state: PaymentState,
}

/// How many tickets an account has of an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counter {
    pub(crate) stored: u32,
    pub(crate) tickets: u32,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Desk {
    /// The database's clock, read once per batch.
    pub(crate) now: Timestamp,
    pub(crate) terms: HashMap<EventId, EventTerms>,
    pub(crate) plans: HashMap<SectionKey, Arc<SectionPlan>>,
    pub(crate) ledgers: HashMap<SectionKey, Ledger>,
    pub(crate) counters: HashMap<(EventId, AccountId), Counter>,
    pub(crate) cards: HashMap<BookingId, Card>,
    pub(crate) slips: HashMap<PaymentId, Slip>,
    pub(crate) seen: HashSet<(String, String)>,
    pub(crate) answers: Answers,
    /// What the batch adds.
    pub(crate) new_requests: Vec<NewRequest>,
    pub(crate) new_notices: Vec<(String, String)>,
    pub(crate) new_tickets: Vec<NewTicket>,
    pub(crate) facts: Vec<DomainEvent>,
    /// Seats whose state the map must be told, whether it changed or only may have been missed.
    pub(crate) touched: BTreeSet<(SectionKey, u32)>,
    /// Seats that a new or revived booking was given: if the database refuses, somebody else was faster at one of them.
    pub(crate) given: HashSet<(SectionKey, u32)>,
}

impl Desk {
    pub(crate) fn ledger(&mut self, section: SectionKey) -> &mut Ledger {
        self.ledgers.entry(section).or_default()
    }

    pub(crate) fn tickets(&self, event: EventId, account: AccountId) -> u32 {
        self.counters.get(&(event, account)).map_or(0, |counter| counter.tickets)
    }

    /// Adds to an account's tickets, or takes some away.
    pub(crate) fn count(&mut self, event: EventId, account: AccountId, seats: usize, more: bool) {
        let counter = self.counters.entry((event, account)).or_insert(Counter { stored: 0, tickets: 0 });
        let seats = u32::try_from(seats).unwrap_or(u32::MAX);
        counter.tickets = if more { counter.tickets.saturating_add(seats) } else { counter.tickets.saturating_sub(seats) };
    }

    /// Puts a booking into another state, and its seats with it.
    pub(crate) fn move_to(&mut self, booking: BookingId, state: BookingState) {
        let Some(card) = self.cards.get_mut(&booking) else { return };
        let was_live = card.state.is_live();
        card.state = state;
        let (section, account, seats) = (card.section, card.account, card.seats.clone());
        let seat_state = match state {
            BookingState::Held => SeatState::Held,
            BookingState::Confirmed => SeatState::Sold,
            BookingState::Expired | BookingState::Cancelled | BookingState::Refunded => SeatState::Free,
        };
        self.ledger(section).set(&seats, seat_state);
        if was_live != state.is_live() {
            self.count(section.0, account, seats.len(), state.is_live());
        }
        self.touch(section, &seats);
    }

    /// The map is to be told the state of these seats.
    pub(crate) fn touch(&mut self, section: SectionKey, seats: &[u32]) {
        self.touched.extend(seats.iter().map(|&seat| (section, seat)));
    }

    /// These seats are given in this batch; they are taken in the ledger.
    pub(crate) fn give(&mut self, section: SectionKey, seats: &[u32]) {
        self.given.extend(seats.iter().map(|&seat| (section, seat)));
    }

    /// A domain event, to be written in the order of these calls.
    pub(crate) fn tell(&mut self, event: EventId, fact: BookingFact) {
        self.facts.push(DomainEvent::new(event, self.now, fact));
    }

    /// One ticket per seat of a confirmed booking.
    pub(crate) fn issue_tickets(&mut self, card: &Card) {
        let (booking, event) = (card.id, card.section.0);
        let ticket = |&seat: &u32| NewTicket { id: TicketId::generate(), booking, event, seat, code: super::ticket_code::draw() };
        self.new_tickets.extend(card.seats.iter().map(ticket));
    }
}
