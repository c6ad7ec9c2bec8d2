//! What a set remembers, and for how long: what is live always, answers up to a limit, and everything that was looked up for one batch
//! only.

use std::collections::BTreeSet;

use goticket_domain::{
    BookingId,
    booking::{
        AnyBooking, BookingState, Command, Needs, Order, Outcome, PaymentNotice, PaymentResult, RefusalReason, WorkingSet,
    },
    payment::PaymentState,
    seating::SectionKind,
};

use crate::{
    hall::{ANN, BOB, EVENT, at, best, booking, euros, hall, payment, request, seats, section, terms},
    sale::Sale,
    store::Stale,
};

fn needs(set: &WorkingSet, command: &Command, seconds: i64, careful: bool) -> Needs {
    let mut needs = Needs::default();
    set.needs(command, at(seconds), careful, &mut needs);
    needs
}

fn bookings(ids: &[BookingId]) -> BTreeSet<BookingId> {
    ids.iter().copied().collect()
}

#[test]
fn nothing_is_looked_up_for_what_is_new_or_live() {
    let set = hall(&section(SectionKind::Seated, "aa"), "h.", terms());
    let (id, event, notice_id) = (booking(0), EVENT, "n".to_owned());
    let notice = PaymentNotice {
        payment: payment(1),
        booking: id,
        provider: "p".into(),
        notice_id,
        result: PaymentResult::Paid,
        amount: euros(5_000),
        asked: euros(5_000),
    };
    assert_eq!(set.event(), event);
    for command in [
        Command::Create { request: request(booking(9), ANN, "k", best(1, None)) },
        Command::Pay { notice: notice.clone() },
        Command::Cancel { booking: id, account: BOB, undecided: None },
        Command::Expire { booking: id },
    ] {
        assert!(needs(&set, &command, 30, false).is_empty(), "{command:?}");
    }
    // Delivered before: it may have had its effect.
    assert_eq!(needs(&set, &Command::Pay { notice: notice.clone() }, 0, true).payments, [notice.payment].into());
    assert_eq!(needs(&set, &Command::Pay { notice }, 0, true).notices, [("p".to_owned(), "n".to_owned())].into());
    // Rare, and about money: never from memory.
    let back = Command::Refunded { payment: payment(1), booking: id };
    assert_eq!(needs(&set, &back, 0, false), Needs { payments: [payment(1)].into(), ..Needs::default() });
}

#[test]
fn what_has_ended_is_looked_up() {
    let set = hall(&section(SectionKind::Seated, "aa"), "h.", terms());
    let ended = booking(9);
    for command in [
        Command::Cancel { booking: ended, account: ANN, undecided: None },
        Command::Expire { booking: ended },
        Command::Refunded { payment: payment(1), booking: ended },
    ] {
        assert_eq!(needs(&set, &command, 30, false).bookings, bookings(&[ended]), "{command:?}");
    }
}

/// Whoever says that a hold has ended has read its deadline: if it is not the one that is remembered, the stored one counts.
#[test]
fn a_deadline_that_is_said_to_have_passed_too_early_is_looked_up() {
    let plan = section(SectionKind::Seated, "a");
    let mut set = hall(&plan, "h", terms());
    let expire = Command::Expire { booking: booking(0) };
    assert_eq!(needs(&set, &expire, 30, false), Needs::default());
    assert_eq!(needs(&set, &expire, 29, false).bookings, bookings(&[booking(0)]));
    let stored = Order { hold_expires_at: at(10), ..set.booking(booking(0)).unwrap().order().clone() };
    set.learn_booking(AnyBooking::restore(stored, BookingState::Held));
    assert_eq!(set.apply(&expire, at(29)).changes.len(), 1);
    assert!(set.taken().owner(seats(&[0])[0]).is_none());
}

/// The notice was quicker than the row of its payment: when it comes again, the payment is there.
#[test]
fn what_was_not_there_for_one_batch_is_looked_up_again_for_the_next() {
    let mut sale = Sale::play("ask");
    let notice = PaymentNotice {
        payment: payment(7),
        booking: booking(1),
        provider: "sandbox".into(),
        notice_id: "x".into(),
        result: PaymentResult::Paid,
        amount: euros(5_000),
        asked: euros(5_000),
    };
    let pay = [Command::Pay { notice }];
    assert!(sale.owner.decide(&pay, at(1))[0].changes.is_empty());
    sale.owner.store.open_payment(payment(7), booking(1), "sandbox");
    sale.owner.decide(&pay, at(2));
    assert_eq!(sale.payment(7), Some(PaymentState::Paid));
}

#[test]
fn notices_and_payments_are_forgotten_with_their_batch() {
    assert_eq!(Sale::play("ask decline again").owner.stale, [Stale::Notice].into());
    assert_eq!(Sale::play("ask decline pay").owner.stale, [Stale::Payment].into());
}

#[test]
fn the_oldest_answers_are_forgotten_at_the_end_of_a_batch() {
    const MORE_THAN_REMEMBERED: u128 = 20_001;
    let mut set = hall(&section(SectionKind::Seated, "a"), ".", terms());
    let create = |n: u128| Command::Create { request: request(booking(n), ANN, &n.to_string(), best(1, None)) };
    (1..=MORE_THAN_REMEMBERED).for_each(|n| drop(set.apply(&create(n), at(-1))));
    let forgotten = |set: &WorkingSet, n| !needs(set, &create(n), 0, true).keys.is_empty();
    assert!(!forgotten(&set, 1), "not within the batch");
    set.end_batch();
    assert!(forgotten(&set, 1));
    assert!(!forgotten(&set, 2) && !forgotten(&set, MORE_THAN_REMEMBERED));
}

#[test]
fn the_first_answer_of_a_key_stays() {
    let mut set = hall(&section(SectionKind::Seated, "a"), ".", terms());
    let asked = request(booking(1), ANN, "k", best(1, None));
    let first = set.apply(&Command::Create { request: asked.clone() }, at(0)).answer;
    let other = Outcome::Refused { booking: booking(1), refusal: RefusalReason::Sold.into() };
    set.learn_answer(ANN, asked.key.clone(), asked.payload_hash, other);
    assert_eq!(set.apply(&Command::Create { request: asked }, at(1)).answer, first);
}
