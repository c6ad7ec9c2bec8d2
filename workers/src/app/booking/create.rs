//! A fan asks for seats.

use goticket_contracts::{events::BookingFact, replies::ReplyResult};
use goticket_domain::{
    Money,
    booking::{
        BookingRequest, BookingState, HeldSeats, Outcome, RefusalReason,
        decide::{Decision, Known, Rules, decide},
    },
};
use goticket_storage::bookings::sale::NewRequest;
use jiff::SignedDuration;

use super::desk::{Card, Desk, SectionKey};

impl Desk {
    /// Decides a request, or repeats what was decided under its key.
    pub(crate) fn create(&mut self, request: &BookingRequest) -> ReplyResult {
        match self.answers.look_up(request.account, &request.key, request.payload_hash) {
            Known::Answered(outcome) => self.repeat(request, outcome),
            Known::Reused => ReplyResult::KeyReused,
            Known::Nothing => {
                let decision = self.decide(request);
                self.settle(request, decision)
            }
        }
    }

    /// Refuses a request without looking at its seats; a key that was decided keeps its outcome.
    pub(crate) fn refuse(&mut self, request: &BookingRequest, reason: RefusalReason) -> ReplyResult {
        match self.answers.look_up(request.account, &request.key, request.payload_hash) {
            Known::Answered(outcome) => self.repeat(request, outcome),
            Known::Reused => ReplyResult::KeyReused,
            Known::Nothing => self.settle(request, Decision::Refused { reason, seats: Vec::new() }),
        }
    }

    fn repeat(&mut self, request: &BookingRequest, outcome: Outcome) -> ReplyResult {
        if let Outcome::Held { held, .. } = &outcome {
            // Whoever decided it may have died before the seat map heard of it.
            self.touch((request.event, request.section), &held.seats);
        }
        ReplyResult::Decided { replayed: outcome.booking() != request.booking, decided: outcome }
    }

    fn decide(&mut self, request: &BookingRequest) -> Decision {
        let section: SectionKey = (request.event, request.section);
        let invalid = Decision::Refused { reason: RefusalReason::Invalid, seats: Vec::new() };
        let Some(terms) = self.terms.get(&request.event) else { return invalid };
        let on_sale = terms.published && (terms.onsale_at..terms.starts_at).contains(&self.now);
        let rules = Rules { on_sale, ticket_limit: terms.ticket_limit };
        let Some(plan) = self.plans.get(&section).cloned() else { return invalid };
        let tickets = self.tickets(request.event, request.account);
        decide(&request.choice, rules, tickets, &plan, self.ledger(section))
    }

    fn settle(&mut self, request: &BookingRequest, decision: Decision) -> ReplyResult {
        let BookingRequest { booking, event, section, account, .. } = *request;
        let (outcome, fact) = match decision {
            Decision::Held { seats } => {
                let held = self.hold(request, seats);
                let (seats, total, expires_at) = (held.seats.clone(), held.total, held.expires_at);
                (
                    Outcome::Held { booking, held },
                    BookingFact::BookingCreated { booking, account, section, seats, total, expires_at },
                )
            }
            Decision::Refused { reason, seats } => {
                (Outcome::Refused { booking, reason, seats }, BookingFact::BookingRefused { booking, account, section, reason })
            }
        };
        self.tell(event, fact);
        let (key, payload_hash) = (request.key.clone(), request.payload_hash);
        self.answers.remember(account, key.clone(), payload_hash, outcome.clone());
        self.new_requests.push(NewRequest { account, key, event, payload_hash, outcome: outcome.clone() });
        ReplyResult::Decided { decided: outcome, replayed: false }
    }

    /// Makes the booking. The seats are taken in the ledger already.
    fn hold(&mut self, request: &BookingRequest, seats: Vec<u32>) -> HeldSeats {
        let section = (request.event, request.section);
        let prices = self.prices(section, &seats);
        let (hold_seconds, currency) =
            self.terms.get(&request.event).map_or((0, iso_currency::Currency::XXX), |terms| (terms.hold_seconds, terms.currency));
        let expires_at = self.now + SignedDuration::from_secs(i64::from(hold_seconds));
        let total = Money { amount_minor: prices.iter().sum(), currency };
        self.count(request.event, request.account, seats.len(), true);
        self.touch(section, &seats);
        self.give(section, &seats);
        let card = Card {
            id: request.booking,
            section,
            account: request.account,
            stored: None,
            state: BookingState::Held,
            hold_expires_at: expires_at,
            seats: seats.clone(),
            price: Some((total, prices)),
        };
        self.cards.insert(card.id, card);
        HeldSeats { seats, total, expires_at }
    }

    fn prices(&self, section: SectionKey, seats: &[u32]) -> Vec<i64> {
        let (Some(plan), Some(terms)) = (self.plans.get(&section), self.terms.get(&section.0)) else { return Vec::new() };
        let price = |&seat: &u32| {
            let category = plan.category(seat)?;
            terms.prices.iter().find(|(no, _)| *no == category).map(|(_, price)| *price)
        };
        seats.iter().map(|seat| price(seat).unwrap_or_default()).collect()
    }
}
