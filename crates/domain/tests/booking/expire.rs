//! A hold ends at its deadline, by the database's clock.

use goticket_domain::{
    booking::{Answer, BookingState, Command, SeatState},
    payment::PaymentState,
};

use crate::{
    hall::{ANN, at, booking, seats},
    sale::{Sale, check},
};

#[test]
fn a_hold_ends_at_its_deadline_whatever_the_senders_clock_says() {
    use BookingState::{Cancelled, Confirmed, Expired, Held};
    use PaymentState::{Declined, Open, Paid, RefundDue};
    for (script, told, state, payment) in [
        ("ask +29 expire", "", Held, Open),
        ("ask +30 expire", "held > expired", Expired, Open),
        ("ask +30 expire expire", "", Expired, Open),
        ("ask decline +30 expire", "held > expired", Expired, Declined),
        ("ask pay +30 expire", "", Confirmed, Paid),
        ("ask cancel +30 expire", "", Cancelled, Open),
        ("ask +30 expire pay expire", "", Confirmed, Paid),
        // A hold ends when it ends: not when the sale is closed, and not when the event starts.
        ("ask close expire", "", Held, Open),
        ("ask close +30 expire", "held > expired", Expired, Open),
        ("+990 ask +29 expire", "", Held, Open),
        ("+990 ask +30 expire", "held > expired", Expired, Open),
        ("ask +30 expire bob pay expire", "", Expired, RefundDue),
    ] {
        check(script, told, state, payment);
    }
}

#[test]
fn the_seats_of_an_ended_hold_are_free() {
    let sale = Sale::play("ask +30 expire");
    assert_eq!(sale.answer(), &Answer::State { state: BookingState::Expired });
    assert_eq!(sale.owner.set.state(seats(&[0])[0]), SeatState::Free);
    assert_eq!(sale.owner.set.tickets(ANN), 0);
    assert!(sale.owner.set.booking(booking(1)).is_none(), "what has ended is forgotten with its batch");
}

#[test]
fn a_booking_that_is_not_known_does_not_expire() {
    let mut sale = Sale::play("ask");
    let applied = sale.owner.decide(&[Command::Expire { booking: booking(9) }], at(60)).remove(0);
    assert_eq!((applied.answer, applied.changes), (Answer::Unknown, vec![]));
}
