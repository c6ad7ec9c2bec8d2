//! The small sales that are searched.

use std::sync::Arc;

use goticket_domain::{
    AccountId, BookingId, Money, PaymentId,
    booking::{BookingRequest, Command, PaymentNotice, PaymentResult, SeatChoice, SectionPlan, Terms, UndecidedRequest},
    seating::SectionKind,
};

use super::world::TICK;
use crate::hall::{ANN, BOB, PRICES, at, best, booking, euros, named, payment, request, section, terms};

pub(super) const PROVIDER: &str = "p";

/// Ticks: the sale begins at 1, a hold lasts for 2, the event starts at 4, and at 6 everything has ended.
pub(super) struct Scene {
    pub(super) name: &'static str,
    pub(super) sections: Vec<Arc<SectionPlan>>,
    pub(super) terms: Terms,
    pub(super) accounts: [AccountId; 2],
    /// Everything that may be said at any moment.
    pub(super) commands: Vec<Command>,
    /// Attempts to pay that are opened when their booking is held.
    pub(super) payments: Vec<(PaymentId, BookingId)>,
    pub(super) last_tick: i64,
}

/// What the provider may say about a payment: each word once, however often it is delivered.
#[derive(Clone, Copy)]
enum Say {
    Paid,
    /// The same, as the reconciler found it: another notice.
    PaidToo,
    Declined,
    /// Paid, with a cent too few.
    Short,
}

impl Scene {
    fn new(name: &'static str, row: &str, ticket_limit: u32) -> Self {
        let starts_at = at(4 * TICK);
        Self {
            name,
            sections: vec![section(SectionKind::Seated, row)],
            terms: Terms {
                onsale_at: at(TICK),
                starts_at,
                hold_seconds: u32::try_from(2 * TICK).unwrap(),
                ticket_limit,
                ..terms()
            },
            accounts: [ANN, BOB],
            commands: Vec::new(),
            payments: Vec::new(),
            last_tick: 6,
        }
    }

    fn with(mut self, command: Command) -> Self {
        self.commands.push(command);
        self
    }

    /// Asks, and hears of the deadline.
    fn request(self, asked: &BookingRequest) -> Self {
        self.with(Command::Create { request: asked.clone() }).with(Command::Expire { booking: asked.booking })
    }

    /// Asks, and may give it back, before or after it was decided.
    fn fickle_request(self, asked: &BookingRequest) -> Self {
        let BookingRequest { booking, account, payload_hash, section, .. } = *asked;
        let undecided = Some(UndecidedRequest { key: asked.key.clone(), payload_hash, section });
        self.request(asked).with(Command::Cancel { booking, account, undecided })
    }

    /// An attempt to pay for a booking of one seat.
    fn payment(mut self, n: u128, booking: BookingId, says: &[Say]) -> Self {
        let asked = euros(PRICES[0]);
        self.payments.push((payment(n), booking));
        for say in says {
            let (word, result, amount) = match say {
                Say::Paid => ('p', PaymentResult::Paid, asked),
                Say::PaidToo => ('q', PaymentResult::Paid, asked),
                Say::Declined => ('d', PaymentResult::Declined, asked),
                Say::Short => ('s', PaymentResult::Paid, Money { amount_minor: asked.amount_minor - 1, ..asked }),
            };
            let notice_id = format!("{word}{n}");
            let (payment, provider) = (payment(n), PROVIDER.into());
            self = self
                .with(Command::Pay { notice: PaymentNotice { payment, booking, provider, notice_id, result, amount, asked } });
        }
        self.with(Command::Refunded { payment: payment(n), booking })
    }
}

fn ann(n: u128, key: &str, choice: SeatChoice) -> BookingRequest {
    request(booking(n), ANN, key, choice)
}

fn bob(n: u128, key: &str, choice: SeatChoice) -> BookingRequest {
    request(booking(n), BOB, key, choice)
}

/// One seat: every way a fan's payments can go, while another fan wants the same seat.
pub(super) fn money() -> Scene {
    Scene::new("money", "a", 1)
        .fickle_request(&ann(1, "k", named(&[0])))
        .request(&bob(2, "k", named(&[0])))
        .payment(1, booking(1), &[Say::Paid, Say::Declined, Say::Short])
        .payment(2, booking(1), &[Say::Paid])
        .payment(3, booking(2), &[Say::Paid])
}

/// The same, and each of them can be said by webhook and reconciler, and declined.
#[cfg(not(debug_assertions))]
pub(super) fn money_in_full() -> Scene {
    Scene::new("money in full", "a", 1)
        .fickle_request(&ann(1, "k", named(&[0])))
        .fickle_request(&bob(2, "k", named(&[0])))
        .payment(1, booking(1), &[Say::Paid, Say::PaidToo, Say::Declined, Say::Short])
        .payment(2, booking(1), &[Say::Paid, Say::Declined])
        .payment(3, booking(2), &[Say::Paid, Say::Declined])
}

/// One seat: a key that is used again, by a client, by the broker, and for something else; and both fans give back what is theirs and
/// what is not.
pub(super) fn keys() -> Scene {
    let (first, other) = (ann(1, "k", named(&[0])), ann(3, "k", best(1, None)));
    Scene::new("keys", "a", 1)
        .fickle_request(&first)
        .fickle_request(&ann(2, "k", named(&[0])))
        .request(&other)
        .fickle_request(&bob(4, "k", named(&[0])))
        .with(Command::Cancel { booking: booking(1), account: ANN, undecided: None })
        .with(Command::Cancel { booking: booking(1), account: BOB, undecided: None })
        .payment(1, booking(1), &[Say::Paid, Say::PaidToo])
}

/// Two seats, and one ticket for each fan.
pub(super) fn one_each() -> Scene {
    Scene::new("one each", "aa", 1)
        .fickle_request(&ann(1, "k", named(&[0])))
        .fickle_request(&ann(2, "l", best(1, None)))
        .request(&bob(3, "k", named(&[0])))
        .payment(1, booking(1), &[Say::Paid])
        .payment(3, booking(3), &[Say::Paid])
}

/// Two seats, and two tickets for each fan.
pub(super) fn two_each() -> Scene {
    Scene::new("two each", "aa", 2)
        .fickle_request(&ann(1, "k", named(&[0])))
        .fickle_request(&ann(2, "l", named(&[0])))
        .request(&bob(3, "k", best(2, None)))
        .payment(1, booking(1), &[Say::Paid])
}

/// The same, and more of everything.
#[cfg(not(debug_assertions))]
pub(super) fn two_each_in_full() -> Scene {
    Scene::new("two each in full", "aa", 2)
        .fickle_request(&ann(1, "k", named(&[0])))
        .fickle_request(&ann(2, "l", best(1, None)))
        .fickle_request(&bob(3, "k", named(&[0])))
        .fickle_request(&bob(4, "l", best(2, None)))
        .payment(1, booking(1), &[Say::Paid])
        .payment(2, booking(2), &[Say::Paid])
        .payment(3, booking(3), &[Say::Paid])
}
