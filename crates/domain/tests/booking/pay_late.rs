//! Payments that arrive when the booking is not held any more: the same seats if they are still free, else the money goes back.

use goticket_domain::{booking::BookingState, payment::PaymentState};

use crate::{
    hall::{booking, seats},
    sale::{Sale, check},
};

#[test]
fn paid_too_late_is_confirmed_only_while_the_seats_can_still_be_given() {
    use BookingState::{Cancelled, Confirmed, Expired};
    use PaymentState::{Paid, RefundDue};
    for (script, told, state, payment) in [
        ("ask +30 expire pay", "seen, open > paid, expired > confirmed", Confirmed, Paid),
        ("ask +30 expire decline pay", "seen, declined > paid, expired > confirmed", Confirmed, Paid),
        ("ask +900 pay", "seen, held > expired, open > paid, expired > confirmed", Confirmed, Paid),
        // Somebody else holds the seat, or has bought it.
        ("ask +30 expire bob pay", "seen, open > refund_due", Expired, RefundDue),
        ("ask +30 expire bob bob:pay pay", "seen, open > refund_due", Expired, RefundDue),
        ("ask +30 expire bob +30 bob:expire pay", "seen, open > paid, expired > confirmed", Confirmed, Paid),
        // Theirs again: somebody else cannot have it.
        ("ask +30 expire pay bob", "refused: sold", Confirmed, Paid),
        // What the fan gave back stays given back, whoever has the seat.
        ("ask cancel pay", "seen, open > refund_due", Cancelled, RefundDue),
        ("ask cancel bob pay", "seen, open > refund_due", Cancelled, RefundDue),
        ("ask cancel decline pay", "seen, declined > refund_due", Cancelled, RefundDue),
        ("ask +30 cancel pay", "seen, open > refund_due", Cancelled, RefundDue),
        // The account may not have so many any more.
        ("ask +30 expire limit0 pay", "seen, open > refund_due", Expired, RefundDue),
        ("ask limit0 pay", "seen, open > paid, held > confirmed", Confirmed, Paid),
        // A notice about money that is on its way back changes nothing.
        ("ask cancel pay pay", "seen", Cancelled, RefundDue),
        ("ask cancel pay again", "", Cancelled, RefundDue),
    ] {
        check(script, told, state, payment);
    }
}

#[test]
fn nothing_is_confirmed_once_the_event_has_started_except_a_hold_that_is_live() {
    use BookingState::{Confirmed, Expired};
    use PaymentState::{Paid, RefundDue};
    for (script, told, state, payment) in [
        // Held 10 s before the start, until 20 s after it.
        ("+990 ask +9 pay", "seen, open > paid, held > confirmed", Confirmed, Paid),
        ("+990 ask +10 pay", "seen, open > paid, held > confirmed", Confirmed, Paid),
        ("+990 ask +29 pay", "seen, open > paid, held > confirmed", Confirmed, Paid),
        ("+990 ask +30 pay", "seen, held > expired, open > refund_due", Expired, RefundDue),
        ("+990 ask +30 expire pay", "seen, open > refund_due", Expired, RefundDue),
        ("+960 ask +30 expire +9 pay", "seen, open > paid, expired > confirmed", Confirmed, Paid),
        ("+960 ask +30 expire +10 pay", "seen, open > refund_due", Expired, RefundDue),
    ] {
        check(script, told, state, payment);
    }
}

#[test]
fn an_event_that_was_closed_confirms_nothing() {
    use BookingState::{Confirmed, Expired, Held};
    use PaymentState::{Declined, Paid, RefundDue};
    for (script, told, state, payment) in [
        ("ask close pay", "seen, open > refund_due", Held, RefundDue),
        ("ask close pay +30 expire", "held > expired", Expired, RefundDue),
        ("ask close +30 pay", "seen, held > expired, open > refund_due", Expired, RefundDue),
        ("ask +30 expire close pay", "seen, open > refund_due", Expired, RefundDue),
        ("ask +30 expire draft pay", "seen, open > refund_due", Expired, RefundDue),
        ("ask close decline", "seen, open > declined", Held, Declined),
        // What was confirmed before is not touched: giving it back is a refund.
        ("ask pay close again", "", Confirmed, Paid),
        ("ask pay close pay2", "seen, open > refund_due", Confirmed, Paid),
    ] {
        check(script, told, state, payment);
    }
}

#[test]
fn the_seat_is_the_one_whose_booking_was_confirmed_last() {
    let sale = Sale::play("ask +30 expire bob pay");
    assert_eq!(sale.owner.set.taken().owner(seats(&[0])[0]), Some(booking(2)));
    let sale = Sale::play("ask +30 expire bob +30 bob:expire pay bob:pay");
    assert_eq!(sale.owner.set.taken().owner(seats(&[0])[0]), Some(booking(1)));
    assert_eq!(sale.payment(3), Some(PaymentState::RefundDue), "Bob was later still");
}
