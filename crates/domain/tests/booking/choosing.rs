//! What a row of the tables about choosing seats says, and how it is checked.

use std::sync::Arc;

use goticket_domain::booking::{
    Answer, Applied, Command, Outcome, Refusal, RefusalReason, SeatChoice, SeatState, SectionPlan, Terms,
};

use crate::hall::{ANN, FIRST, at, booking, hall, request, seats};

/// `Ok`: the seats held; `Err`: the reason and the seats in the way. Places count from the section's first seat.
pub(crate) type Expected<'a> = Result<&'a [u32], (RefusalReason, &'a [u32])>;

/// Ann asks at the first second of the sale.
pub(crate) fn ask(plan: &Arc<SectionPlan>, states: &str, terms: Terms, choice: &SeatChoice) -> Outcome {
    let mut set = hall(plan, states, terms);
    let id = booking(1_000);
    let command = Command::Create { request: request(id, ANN, "k", choice.clone()) };
    let Applied { answer: Answer::Decided { decided, replayed: false }, changes } = set.apply(&command, at(0)) else {
        panic!("{choice:?} is not decided");
    };
    assert_eq!(changes.len(), 1, "one request, one change: {changes:?}");
    match &decided {
        Outcome::Held { held, .. } => {
            assert!(held.seats.iter().all(|&seat| set.state(seat) == SeatState::Held && set.taken().owner(seat) == Some(id)));
        }
        Outcome::Refused { .. } => assert!(set.booking(id).is_none(), "what was refused is no booking"),
    }
    decided
}

#[track_caller]
pub(crate) fn check(plan: &Arc<SectionPlan>, states: &str, terms: Terms, choice: &SeatChoice, expected: Expected<'_>) {
    let decided = match ask(plan, states, terms, choice) {
        Outcome::Held { held, .. } => Ok(held.seats),
        Outcome::Refused { refusal: Refusal { reason, seats, .. }, .. } => Err((reason, seats)),
    };
    let expected = expected.map(seats).map_err(|(reason, places)| (reason, seats(places)));
    assert_eq!(decided, expected, "{states} {choice:?}, places count from {FIRST}");
}
