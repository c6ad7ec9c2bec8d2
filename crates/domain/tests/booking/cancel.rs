//! The fan gives a held booking back, or a request that is not decided yet.

use goticket_domain::{
    AccountId, BookingId,
    booking::{Answer, Applied, BookingRequest, BookingState, Command, Outcome, RefusalReason, SeatState, UndecidedRequest},
    payment::PaymentState,
    seating::SectionKind,
};

use crate::{
    hall::{ANN, BOB, SECTION, at, booking, key, named, request, seats, section, terms},
    owner::Owner,
    sale::{Sale, check},
};

#[test]
fn only_a_hold_can_be_given_back() {
    use BookingState::{Cancelled, Confirmed, Expired, Held};
    use PaymentState::{Open, Paid, RefundDue};
    for (script, told, state, payment) in [
        ("ask cancel", "held > cancelled", Cancelled, Open),
        ("ask +29 cancel", "held > cancelled", Cancelled, Open),
        // The deadline is past, but nothing has said so yet.
        ("ask +30 cancel", "held > cancelled", Cancelled, Open),
        ("ask close cancel", "held > cancelled", Cancelled, Open),
        ("ask cancel cancel", "", Cancelled, Open),
        ("ask +30 expire cancel", "", Expired, Open),
        ("ask pay cancel", "", Confirmed, Paid),
        ("ask +30 expire bob pay cancel", "", Expired, RefundDue),
        ("ask steal", "", Held, Open),
        ("ask repent", "held > cancelled", Cancelled, Open),
        ("ask repent repent", "", Cancelled, Open),
        ("ask repent pay", "seen, open > refund_due", Cancelled, RefundDue),
        ("ask pay repent", "", Confirmed, Paid),
        ("ask +30 expire repent", "", Expired, Open),
    ] {
        check(script, told, state, payment);
    }
}

#[test]
fn a_cancellation_is_answered_with_the_state_as_it_is() {
    for (script, answer) in [
        ("ask cancel", Answer::State { state: BookingState::Cancelled }),
        ("ask cancel cancel", Answer::State { state: BookingState::Cancelled }),
        ("ask pay cancel", Answer::State { state: BookingState::Confirmed }),
        ("ask +30 expire cancel", Answer::State { state: BookingState::Expired }),
        ("ask steal", Answer::Unknown),
        ("bob cancel", Answer::Unknown),
        ("cancel", Answer::Unknown),
    ] {
        assert_eq!(Sale::play(script).answer(), &answer, "{script}");
    }
}

#[test]
fn what_was_given_back_is_free() {
    let sale = Sale::play("ask cancel");
    assert_eq!((sale.owner.set.state(seats(&[0])[0]), sale.owner.set.tickets(ANN)), (SeatState::Free, 0));
    assert_eq!(sale.owner.set.taken().len(), 0);
}

fn hall_of_two() -> Owner {
    Owner::new(terms(), vec![section(SectionKind::Seated, "aa")])
}

/// Ann's request for seat 0, as it may come after it was given back.
fn asked(id: BookingId) -> BookingRequest {
    request(id, ANN, "k", named(&[0]))
}

fn cancel(booking: BookingId, account: AccountId, request: &BookingRequest) -> Command {
    let (key, payload_hash) = (request.key.clone(), request.payload_hash);
    Command::Cancel { booking, account, undecided: Some(UndecidedRequest { key, payload_hash, section: SECTION }) }
}

fn refused_as_cancelled(booking: BookingId, replayed: bool) -> Answer {
    Answer::Decided { decided: Outcome::Refused { booking, refusal: RefusalReason::Cancelled.into() }, replayed }
}

fn decide(owner: &mut Owner, command: Command) -> Applied {
    owner.decide(&[command], at(0)).remove(0)
}

#[test]
fn a_cancellation_that_overtakes_its_request_decides_it() {
    for restart in [false, true] {
        let mut owner = hall_of_two();
        let mut step = |command| {
            if restart {
                owner.restart();
            }
            decide(&mut owner, command)
        };
        let ahead = cancel(booking(1), ANN, &asked(booking(1)));
        let first = step(ahead.clone());
        assert_eq!((first.answer, first.changes.len()), (refused_as_cancelled(booking(1), false), 1));
        // The request it overtook; the cancellation once more; the client's repetition of the request; another request for the same.
        for (command, answer) in [
            (Command::Create { request: asked(booking(1)) }, refused_as_cancelled(booking(1), false)),
            (ahead, refused_as_cancelled(booking(1), false)),
            (Command::Create { request: asked(booking(2)) }, refused_as_cancelled(booking(1), true)),
            (cancel(booking(2), ANN, &asked(booking(2))), refused_as_cancelled(booking(1), true)),
        ] {
            let applied = step(command.clone());
            assert_eq!((applied.answer, applied.changes), (answer, vec![]), "{command:?}");
        }
        let new = step(Command::Create { request: request(booking(3), ANN, "k2", named(&[0])) });
        assert!(matches!(new.answer, Answer::Decided { decided: Outcome::Held { .. }, .. }), "another key is another request");
    }
}

#[test]
fn a_cancellation_that_did_not_overtake_gives_the_hold_back() {
    let mut owner = hall_of_two();
    decide(&mut owner, Command::Create { request: asked(booking(1)) });
    let applied = decide(&mut owner, cancel(booking(1), ANN, &asked(booking(1))));
    assert_eq!(applied.answer, Answer::State { state: BookingState::Cancelled });
}

/// The client repeated its request, and gives the repetition back: what its key stands for is given back, whatever its id is.
#[test]
fn giving_a_repetition_back_gives_back_what_its_key_holds() {
    for restart in [false, true] {
        let mut owner = hall_of_two();
        let Answer::Decided { decided, .. } = decide(&mut owner, Command::Create { request: asked(booking(1)) }).answer else {
            panic!("not decided")
        };
        if restart {
            owner.restart();
        }
        let repetition = cancel(booking(2), ANN, &asked(booking(2)));
        let applied = decide(&mut owner, repetition.clone());
        assert_eq!(applied.answer, Answer::State { state: BookingState::Cancelled });
        assert_eq!(owner.store.state(booking(1)), Some(BookingState::Cancelled));
        assert_eq!(owner.set.state(seats(&[0])[0]), SeatState::Free);
        // What is delivered again has nothing more to give back, not even what was booked since; the key keeps its outcome.
        let new = decide(&mut owner, Command::Create { request: request(booking(3), ANN, "k2", named(&[0])) });
        assert!(matches!(new.answer, Answer::Decided { decided: Outcome::Held { .. }, .. }));
        if restart {
            owner.restart();
        }
        let again = decide(&mut owner, repetition);
        assert_eq!((again.answer, again.changes), (Answer::Decided { decided, replayed: true }, vec![]));
        assert_eq!(owner.store.state(booking(3)), Some(BookingState::Held));
    }
}

/// Another request under the same key is another matter.
#[test]
fn giving_a_repetition_back_takes_nothing_else_away() {
    let mut owner = hall_of_two();
    decide(&mut owner, Command::Create { request: asked(booking(1)) });
    let other = request(booking(2), ANN, "k", named(&[1]));
    let applied = decide(&mut owner, cancel(booking(2), ANN, &other));
    assert_eq!((applied.answer, applied.changes), (Answer::KeyReused, vec![]));
    assert_eq!(owner.store.state(booking(1)), Some(BookingState::Held));
}

#[test]
fn nobody_gives_back_what_is_somebody_elses() {
    let mut owner = hall_of_two();
    decide(&mut owner, Command::Create { request: asked(booking(1)) });
    let theirs = request(booking(1), BOB, "k", named(&[0]));
    for command in [
        Command::Cancel { booking: booking(1), account: BOB, undecided: None },
        cancel(booking(1), BOB, &theirs),
        // Under the same text as Ann's key, which is another key.
        cancel(booking(1), BOB, &asked(booking(1))),
    ] {
        let applied = decide(&mut owner, command);
        assert_eq!((applied.answer, applied.changes), (Answer::Unknown, vec![]));
    }
    assert_eq!(owner.store.state(booking(1)), Some(BookingState::Held));
    assert_eq!(key("k"), theirs.key);
}
