//! A payment provider has decided.

use goticket_contracts::{
    commands::{PaymentNotice, PaymentResult},
    events::BookingFact,
    replies::ReplyResult,
};
use goticket_domain::{
    PaymentId,
    booking::{Booking, BookingState, Confirmed, Held},
    payment::PaymentState,
};

use super::desk::{Card, Desk};

impl Desk {
    /// Gives a notice its one effect.
    pub(crate) fn pay(&mut self, notice: &PaymentNotice) -> ReplyResult {
        let slip = self.slips.get(&notice.payment);
        let known = slip.is_some_and(|slip| slip.stored.booking == notice.booking && slip.stored.provider == notice.provider);
        let Some(card) = self.cards.get(&notice.booking).filter(|_| known).cloned() else {
            tracing::warn!(payment = %notice.payment, booking = %notice.booking, "a notice about a payment that was never made");
            return ReplyResult::Unknown;
        };
        let id = (notice.provider.clone(), notice.notice_id.clone());
        if self.seen.insert(id.clone()) {
            self.new_notices.push(id);
            self.apply(notice, &card);
        } else {
            self.touch(card.section, &card.seats);
        }
        let state = self.cards.get(&notice.booking).map_or(card.state, |card| card.state);
        ReplyResult::State { state }
    }

    fn apply(&mut self, notice: &PaymentNotice, card: &Card) {
        let Some(slip) = self.slips.get(&notice.payment) else { return };
        let asked = slip.stored.amount;
        match (slip.state, notice.result) {
            // A declined attempt may be paid after all: the provider's page lets the fan try another card.
            (PaymentState::Open | PaymentState::Declined, PaymentResult::Paid) if notice.amount != asked => {
                self.process(notice, PaymentState::Review);
            }
            (PaymentState::Open | PaymentState::Declined, PaymentResult::Paid) => self.paid(notice, card),
            (PaymentState::Open, PaymentResult::Declined) => self.process(notice, PaymentState::Declined),
            // The money's way is decided; another notice about it changes nothing.
            _ => self.touch(card.section, &card.seats),
        }
    }

    /// The money is here, and it is as much as was asked for.
    fn paid(&mut self, notice: &PaymentNotice, card: &Card) {
        let confirmed = match self.expire_if_due(card) {
            BookingState::Held => {
                let held = Booking { id: card.id, state: Held { deadline: card.hold_expires_at } };
                held.confirm(notice.payment, self.now).ok()
            }
            BookingState::Expired | BookingState::Cancelled => self.revive(card, notice.payment),
            // Paid for by another payment.
            BookingState::Confirmed | BookingState::Refunded => None,
        };
        let Some(confirmed) = confirmed else {
            self.touch(card.section, &card.seats);
            return self.process(notice, PaymentState::RefundDue);
        };
        self.process(notice, PaymentState::Paid);
        self.move_to(confirmed.id, BookingState::Confirmed);
        self.issue_tickets(card);
        let Card { id: booking, section, account, seats, .. } = card.clone();
        self.tell(section.0, BookingFact::BookingConfirmed { booking, account, payment: confirmed.state.payment, seats });
    }

    /// Paid too late: the same seats, if nobody has any of them by now and the account may still have so many.
    fn revive(&mut self, card: &Card, payment: PaymentId) -> Option<Booking<Confirmed>> {
        let terms = self.terms.get(&card.section.0).filter(|terms| terms.published)?;
        let limit = usize::try_from(terms.ticket_limit).unwrap_or(usize::MAX);
        let tickets = usize::try_from(self.tickets(card.section.0, card.account)).unwrap_or(usize::MAX);
        if tickets.saturating_add(card.seats.len()) > limit || !self.ledger(card.section).all_free(&card.seats) {
            return None;
        }
        self.give(card.section, &card.seats);
        Some(Booking { id: card.id, state: Confirmed { payment } })
    }

    fn process(&mut self, notice: &PaymentNotice, state: PaymentState) {
        if let Some(slip) = self.slips.get_mut(&notice.payment) {
            slip.state = state;
        }
        let event = self.cards.get(&notice.booking).map(|card| card.section.0);
        if let Some(event) = event {
            let (booking, payment, amount) = (notice.booking, notice.payment, notice.amount);
            self.tell(event, BookingFact::PaymentProcessed { booking, payment, state, amount });
        }
    }
}
