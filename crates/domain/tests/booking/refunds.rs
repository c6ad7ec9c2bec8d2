//! Money that was due to go back has gone back.

use goticket_domain::{
    booking::{Answer, BookingState, Command},
    payment::PaymentState,
};

use crate::{
    hall::{at, booking, payment},
    sale::{Sale, check},
};

#[test]
fn only_what_was_due_to_go_back_is_noted() {
    use BookingState::{Cancelled, Confirmed, Held};
    use PaymentState::{Declined, Open, Paid, RefundDue, Refunded, Review};
    for (script, told, state, payment) in [
        ("ask cancel pay back", "refund_due > refunded", Cancelled, Refunded),
        ("ask cancel pay back back", "", Cancelled, Refunded),
        ("ask back", "", Held, Open),
        ("ask decline back", "", Held, Declined),
        ("ask short back", "", Held, Review),
        ("ask pay back", "", Confirmed, Paid),
        ("ask pay pay2 back2", "refund_due > refunded", Confirmed, Paid),
        ("ask pay2 pay back2", "", Confirmed, RefundDue),
        // The provider says once more that it was paid: it went back.
        ("ask cancel pay back pay", "seen", Cancelled, Refunded),
    ] {
        check(script, told, state, payment);
    }
}

#[test]
fn a_refund_of_what_is_not_known_changes_nothing() {
    for (payment, booking, answer) in [
        (payment(9), booking(1), Answer::State { state: BookingState::Cancelled }),
        (payment(1), booking(9), Answer::Unknown),
        (payment(1), booking(2), Answer::State { state: BookingState::Held }),
    ] {
        let mut sale = Sale::play("ask cancel pay bob");
        let applied = sale.owner.decide(&[Command::Refunded { payment, booking }], at(1)).remove(0);
        assert_eq!((applied.answer, applied.changes), (answer, vec![]), "{payment} of {booking}");
    }
}
