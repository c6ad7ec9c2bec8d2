//! One request, one outcome: what was decided under a key stays, and is what every repetition gets.

use goticket_domain::{
    AccountId, BookingId,
    booking::{Answer, Change, Command, Outcome, Refusal, RefusalReason, SeatChoice, SeatState},
    seating::SectionKind,
};

use crate::{
    hall::{ANN, BOB, at, best, booking, named, request, seats, section, terms},
    owner::Owner,
    store::Stale,
};

fn hall_of_four() -> Owner {
    Owner::new(terms(), vec![section(SectionKind::Seated, "aaaa")])
}

fn create(booking: BookingId, account: AccountId, key: &str, choice: SeatChoice) -> Command {
    Command::Create { request: request(booking, account, key, choice) }
}

fn decide(owner: &mut Owner, command: Command, seconds: i64) -> (Answer, Vec<Change>) {
    let applied = owner.decide(&[command], at(seconds)).remove(0);
    (applied.answer, applied.changes)
}

fn decided(answer: Answer) -> (Outcome, bool) {
    match answer {
        Answer::Decided { decided, replayed } => (decided, replayed),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_replayed_key_gets_the_stored_outcome() {
    for restart in [false, true] {
        let mut owner = hall_of_four();
        let (first, _) = decide(&mut owner, create(booking(1), ANN, "k", named(&[0])), 0);
        let (outcome, replayed) = decided(first);
        assert!(!replayed && matches!(outcome, Outcome::Held { .. }));
        if restart {
            owner.restart();
        }
        // Another booking id: the client repeated the request. The same one: the broker repeated the message.
        for (again, is_replay) in [(booking(2), true), (booking(1), false)] {
            let (answer, changes) = decide(&mut owner, create(again, ANN, "k", named(&[0])), 5);
            assert_eq!((decided(answer), changes), ((outcome.clone(), is_replay), vec![]));
        }
        assert_eq!(owner.stale.contains(&Stale::OneOutcome), restart, "what is forgotten, the constraint says");
    }
}

#[test]
fn the_outcome_stays_whatever_becomes_of_the_booking() {
    let mut owner = hall_of_four();
    let (first, _) = decide(&mut owner, create(booking(1), ANN, "k", named(&[0])), 0);
    let (outcome, _) = decided(first);
    let cancel = Command::Cancel { booking: booking(1), account: ANN, undecided: None };
    decide(&mut owner, cancel, 1);
    let (again, changes) = decide(&mut owner, create(booking(2), ANN, "k", named(&[0])), 2);
    assert_eq!((decided(again), changes), ((outcome, true), vec![]));
    assert_eq!(owner.set.state(seats(&[0])[0]), SeatState::Free, "a replay holds nothing");
}

#[test]
fn a_refusal_is_an_outcome_too() {
    let mut owner = hall_of_four();
    decide(&mut owner, create(booking(1), BOB, "k", named(&[0])), 0);
    let (first, changes) = decide(&mut owner, create(booking(2), ANN, "k", named(&[0])), 1);
    let held = Refusal { reason: RefusalReason::Held, seats: seats(&[0]), until: Some(at(30)), yours: None };
    let refused = Outcome::Refused { booking: booking(2), refusal: held };
    assert_eq!((decided(first), changes.len()), ((refused.clone(), false), 1));
    // The seat came back: another key gets it, this one has its answer.
    decide(&mut owner, Command::Expire { booking: booking(1) }, 30);
    let (again, changes) = decide(&mut owner, create(booking(3), ANN, "k", named(&[0])), 31);
    assert_eq!((decided(again), changes), ((refused, true), vec![]));
    let (new_key, _) = decide(&mut owner, create(booking(4), ANN, "k2", named(&[0])), 32);
    assert!(matches!(decided(new_key).0, Outcome::Held { .. }));
}

#[test]
fn a_key_cannot_be_used_for_something_else() {
    for restart in [false, true] {
        let mut owner = hall_of_four();
        decide(&mut owner, create(booking(1), ANN, "k", named(&[0])), 0);
        for choice in [named(&[1]), named(&[0, 1]), best(1, None)] {
            if restart {
                owner.restart();
            }
            let (answer, changes) = decide(&mut owner, create(booking(2), ANN, "k", choice), 1);
            assert_eq!((answer, changes), (Answer::KeyReused, vec![]));
        }
    }
}

#[test]
fn keys_of_different_accounts_have_nothing_to_do_with_each_other() {
    let mut owner = hall_of_four();
    decide(&mut owner, create(booking(1), ANN, "k", named(&[0])), 0);
    let (answer, _) = decide(&mut owner, create(booking(2), BOB, "k", named(&[1])), 0);
    assert!(matches!(decided(answer).0, Outcome::Held { booking: id, .. } if id == booking(2)));
}

#[test]
fn four_clicks_at_once_are_one_booking() {
    let mut owner = hall_of_four();
    let clicks: Vec<Command> = (1..=4).map(|n| create(booking(n), ANN, "k", best(2, None))).collect();
    let answers: Vec<_> = owner.decide(&clicks, at(0)).into_iter().map(|applied| decided(applied.answer)).collect();
    assert!(answers.iter().all(|(outcome, _)| outcome == &answers[0].0));
    assert_eq!(answers.iter().map(|(_, replayed)| *replayed).collect::<Vec<_>>(), [false, true, true, true]);
    assert_eq!(owner.store.bookings.len(), 1);
}

/// An id names one request. A gateway that gives it to another one is at fault, and must not harm the first.
#[test]
fn an_id_cannot_be_used_for_another_request() {
    let mut owner = hall_of_four();
    decide(&mut owner, create(booking(1), ANN, "k", named(&[0])), 0);
    let before = owner.store.clone();
    for (account, key) in [(ANN, "k2"), (BOB, "k")] {
        let (answer, changes) = decide(&mut owner, create(booking(1), account, key, named(&[1])), 1);
        assert_eq!((answer, changes), (Answer::KeyReused, vec![]));
        assert_eq!(owner.store, before);
    }
}

/// The gateway published once more what it had no confirmation for; both came, and the answer was forgotten in between.
#[test]
fn a_request_that_comes_again_after_its_answer_was_forgotten_is_looked_up() {
    let mut owner = hall_of_four();
    let ask = create(booking(1), ANN, "k", best(1, None));
    let (first, _) = decide(&mut owner, ask.clone(), 0);
    owner.restart();
    let (again, changes) = decide(&mut owner, ask, 1);
    assert_eq!((again, changes), (first, vec![]));
    assert!(owner.stale.is_empty(), "its live booking says that it was decided");
    assert_eq!((owner.set.tickets(ANN), owner.set.taken().len()), (1, 1));
}

#[test]
fn a_request_that_cannot_be_carried_out_is_refused_unless_it_was_decided() {
    let mut owner = hall_of_four();
    let asked = request(booking(1), ANN, "k", named(&[0]));
    let refused = owner.set.refuse(&asked, RefusalReason::Failed.into());
    let outcome = Outcome::Refused { booking: booking(1), refusal: RefusalReason::Failed.into() };
    assert_eq!(decided(refused.answer), (outcome.clone(), false));
    assert!(matches!(&refused.changes[..], [Change::Refused(stored)] if stored.key == asked.key));
    let again = owner.set.refuse(&asked, RefusalReason::Contended.into());
    assert_eq!((decided(again.answer), again.changes), ((outcome, false), vec![]));
}
