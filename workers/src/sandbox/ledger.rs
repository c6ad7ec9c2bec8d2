//! All payments, and what may happen to one. Decides, and does no I/O: the caller sends what comes out.

use std::collections::HashMap;

use jiff::Timestamp;
use url::Url;

use super::cards::Scenario;
use super::payment::{Event, EventType, Paid, Payment, PaymentRequest, Refund, Status, new_id};

/// After so many declines a payment takes no further card: what a guessing robot would do.
const DECLINES_MAX: u32 = 20;

pub(super) struct Ledger {
    payments: HashMap<String, Payment>,
    /// Idempotency key to payment.
    keys: HashMap<String, String>,
    payments_max: usize,
}

/// Why nothing happened.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("no such payment")]
    Unknown,
    #[error("this idempotency key came with another body before")]
    KeyReused,
    #[error("the sandbox keeps no more payments than it has")]
    Full,
    #[error("too many declined cards; ask for a new payment")]
    TooManyDeclines,
    #[error("nothing was paid yet")]
    NotPaid,
    #[error("only {left_minor} can still be refunded")]
    TooMuch { left_minor: i64 },
}

/// What a card did.
#[derive(Debug)]
pub(super) enum Charge {
    /// Paid now.
    Paid(Payment, Paid),
    /// Declined now.
    Declined(Payment, Event),
    /// Paid before: nothing was charged.
    Already(Payment, Paid),
}

/// What a refund did.
#[derive(Debug)]
pub(super) enum Refunding {
    New {
        refund: Refund,
        event: Event,
        webhook_url: Url,
    },
    /// The same key before: nothing was moved.
    Already(Refund),
}

impl Ledger {
    pub(super) fn new(payments_max: usize) -> Self {
        Self { payments: HashMap::new(), keys: HashMap::new(), payments_max }
    }

    pub(super) fn create(&mut self, key: &str, request: PaymentRequest, now: Timestamp) -> Result<Payment, Refusal> {
        if let Some(before) = self.keys.get(key).and_then(|id| self.payments.get(id)) {
            return if before.request == request { Ok(before.clone()) } else { Err(Refusal::KeyReused) };
        }
        if self.payments.len() >= self.payments_max {
            return Err(Refusal::Full);
        }
        let payment = Payment::open(request, now);
        self.keys.insert(key.to_owned(), payment.id.clone());
        self.payments.insert(payment.id.clone(), payment.clone());
        Ok(payment)
    }

    pub(super) fn get(&self, id: &str) -> Result<Payment, Refusal> {
        self.payments.get(id).cloned().ok_or(Refusal::Unknown)
    }

    pub(super) fn charge(&mut self, id: &str, card: Scenario, now: Timestamp) -> Result<Charge, Refusal> {
        let payment = self.payments.get_mut(id).ok_or(Refusal::Unknown)?;
        if let Some(paid) = payment.paid.clone() {
            return Ok(Charge::Already(payment.clone(), paid));
        }
        if payment.declines >= DECLINES_MAX {
            return Err(Refusal::TooManyDeclines);
        }
        if card == Scenario::Declines {
            payment.declines += 1;
            return Ok(Charge::Declined(payment.clone(), payment.event(EventType::Declined, now)));
        }
        payment.status = Status::Paid;
        let paid = Paid { at: now, scenario: card, event: payment.event(EventType::Paid, now) };
        payment.paid = Some(paid.clone());
        Ok(Charge::Paid(payment.clone(), paid))
    }

    /// Sends back `requested_minor`, or all that is left.
    pub(super) fn refund(
        &mut self,
        id: &str,
        key: &str,
        requested_minor: Option<i64>,
        now: Timestamp,
    ) -> Result<Refunding, Refusal> {
        let payment = self.payments.get_mut(id).ok_or(Refusal::Unknown)?;
        if let Some(before) = payment.refunds.iter().find(|refund| refund.key == key) {
            let same = before.requested_minor == requested_minor;
            return if same { Ok(Refunding::Already(before.clone())) } else { Err(Refusal::KeyReused) };
        }
        if payment.paid.is_none() {
            return Err(Refusal::NotPaid);
        }
        let left_minor = payment.request.amount_minor - payment.refunded_minor();
        let amount_minor = requested_minor.unwrap_or(left_minor);
        if amount_minor < 1 || amount_minor > left_minor {
            return Err(Refusal::TooMuch { left_minor });
        }
        if amount_minor == left_minor {
            payment.status = Status::Refunded;
        }
        let (id, key) = (new_id("ref"), key.to_owned());
        let refund = Refund { id, key, requested_minor, amount_minor };
        payment.refunds.push(refund.clone());
        let event = payment.event(EventType::Refunded, now);
        Ok(Refunding::New { refund, event, webhook_url: payment.request.webhook_url.clone() })
    }
}
