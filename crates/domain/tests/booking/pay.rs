//! Payments that arrive while the hold runs: each notice has one effect, and the money's way is decided once.

use goticket_domain::{
    Money,
    booking::{Answer, BookingState, Change, Command, PaymentChange, PaymentNotice, PaymentResult, Transition},
    payment::PaymentState,
};
use iso_currency::Currency;
use jiff::SignedDuration;

use crate::{
    hall::{ANN, at, booking, euros, payment, seats},
    sale::{Sale, check},
};

#[test]
fn a_hold_that_is_paid_for_is_confirmed() {
    use BookingState::{Confirmed, Held};
    use PaymentState::{Declined, Paid, Review};
    for (script, told, state, payment) in [
        ("ask pay", "seen, open > paid, held > confirmed", Confirmed, Paid),
        ("ask +29 pay", "seen, open > paid, held > confirmed", Confirmed, Paid),
        // The deadline itself is too late for the hold: the seat is taken a second time.
        ("ask +30 pay", "seen, held > expired, open > paid, expired > confirmed", Confirmed, Paid),
        ("ask decline", "seen, open > declined", Held, Declined),
        // The provider's page lets the fan try another card.
        ("ask decline pay", "seen, declined > paid, held > confirmed", Confirmed, Paid),
        ("ask decline decline", "seen", Held, Declined),
        // Another amount is for a person to look at, whatever else is said about it.
        ("ask short", "seen, open > review", Held, Review),
        ("ask decline short", "seen, declined > review", Held, Review),
        ("ask short pay", "seen", Held, Review),
        ("ask short decline", "seen", Held, Review),
        ("ask short +30 expire", "held > expired", BookingState::Expired, Review),
    ] {
        check(script, told, state, payment);
    }
}

#[test]
fn a_notice_has_one_effect() {
    use BookingState::{Confirmed, Held};
    use PaymentState::{Declined, Paid, Review};
    for (script, told, state, payment) in [
        ("ask pay again", "", Confirmed, Paid),
        ("ask pay again again again", "", Confirmed, Paid),
        ("ask decline again", "", Held, Declined),
        ("ask short again", "", Held, Review),
        // The webhook and the reconciler say the same under two names.
        ("ask pay pay", "seen", Confirmed, Paid),
        // A notice that was overtaken by a later one.
        ("ask pay decline", "seen", Confirmed, Paid),
        ("ask pay short", "seen", Confirmed, Paid),
    ] {
        check(script, told, state, payment);
    }
}

#[test]
fn a_booking_is_paid_for_once() {
    let sale = Sale::play("ask pay pay2");
    check("ask pay pay2", "seen, open > refund_due", BookingState::Confirmed, PaymentState::Paid);
    assert_eq!(sale.payment(2), Some(PaymentState::RefundDue));
    check("ask pay2 pay", "seen, open > refund_due", BookingState::Confirmed, PaymentState::RefundDue);
    check("ask decline pay2", "seen, open > paid, held > confirmed", BookingState::Confirmed, PaymentState::Declined);
    check("ask decline pay2 pay", "seen, declined > refund_due", BookingState::Confirmed, PaymentState::RefundDue);
    check("ask short pay2", "seen, open > paid, held > confirmed", BookingState::Confirmed, PaymentState::Review);
}

#[test]
fn a_payment_tells_everything_that_is_written() {
    let sale = Sale::play("ask pay");
    let (provider, asked) = ("sandbox".to_owned(), euros(5_000));
    assert_eq!(
        sale.changes(),
        [
            Change::NoticeSeen { provider: provider.clone(), id: "n1".into() },
            Change::Payment(PaymentChange {
                payment: payment(1),
                booking: booking(1),
                provider,
                asked,
                amount: asked,
                from: PaymentState::Open,
                to: PaymentState::Paid,
            }),
            Change::Moved(Transition {
                booking: booking(1),
                account: ANN,
                seats: seats(&[0]),
                from: BookingState::Held,
                to: BookingState::Confirmed,
                payment: Some(payment(1)),
            }),
        ]
    );
    assert_eq!(sale.answer(), &Answer::State { state: BookingState::Confirmed });
}

fn notice() -> PaymentNotice {
    PaymentNotice {
        payment: payment(1),
        booking: booking(1),
        provider: "sandbox".into(),
        notice_id: "x".into(),
        result: PaymentResult::Paid,
        amount: euros(5_000),
        asked: euros(5_000),
    }
}

#[test]
fn another_amount_or_currency_is_reviewed() {
    let yen = Money { amount_minor: 5_000, currency: Currency::JPY };
    for (amount, state) in [
        (euros(5_000), PaymentState::Paid),
        (euros(4_999), PaymentState::Review),
        (euros(5_001), PaymentState::Review),
        (euros(0), PaymentState::Review),
        (euros(-5_000), PaymentState::Review),
        (yen, PaymentState::Review),
    ] {
        let mut sale = Sale::play("ask");
        sale.owner.decide(&[Command::Pay { notice: PaymentNotice { amount, ..notice() } }], at(1));
        assert_eq!(sale.payment(1), Some(state), "{amount}");
    }
}

#[test]
fn a_notice_about_a_payment_that_was_never_made_has_no_effect() {
    for (what, notice) in [
        ("no such payment", PaymentNotice { payment: payment(9), ..notice() }),
        ("no such booking", PaymentNotice { booking: booking(9), ..notice() }),
        ("of another provider", PaymentNotice { provider: "other".into(), ..notice() }),
        ("for another booking", PaymentNotice { payment: payment(3), ..notice() }),
    ] {
        let mut sale = Sale::play("bob +30 bob:expire ask");
        let before = sale.owner.store.clone();
        let applied = sale.owner.decide(&[Command::Pay { notice }], at(31)).remove(0);
        assert_eq!((applied.answer, applied.changes), (Answer::Unknown, vec![]), "{what}");
        assert_eq!(sale.owner.store, before, "{what}");
    }
}

/// Whoever took the notice read something else: what is stored counts.
#[test]
fn what_was_asked_for_is_what_is_stored() {
    let mut sale = Sale::play("ask");
    let notice = PaymentNotice { asked: euros(1), amount: euros(1), ..notice() };
    sale.owner.decide(&[Command::Pay { notice }], at(1));
    assert_eq!(sale.payment(1), Some(PaymentState::Review));
}

#[test]
fn the_deadline_is_the_databases_clocks_to_the_microsecond() {
    for (offset_us, told) in [(-1, 3), (0, 4), (1, 4)] {
        let mut sale = Sale::play("ask");
        let now = at(30) + SignedDuration::from_micros(offset_us);
        let applied = sale.owner.decide(&[Command::Pay { notice: notice() }], now).remove(0);
        assert_eq!(applied.changes.len(), told, "{offset_us} µs: {applied:?}");
    }
}
