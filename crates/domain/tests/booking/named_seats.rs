//! Seats that are named are given, all of them, or refused with the truth about those in the way.

use goticket_domain::{
    SectionNo,
    booking::{Answer, BookingRequest, Command, Outcome, RefusalReason, SeatState, WorkingSet},
    seating::SectionKind,
};

use crate::{
    choosing::{Expected, check},
    hall::{ANN, EVENT, FIRST, at, booking, hall, key, named, numbered_section, request, seats, section, terms},
};

#[test]
fn named_seats_are_given_or_refused_with_the_truth() {
    use RefusalReason::{Held, Invalid, Sold};
    let plan = section(SectionKind::Seated, "aaaa aabb");
    let rows: [(&str, &[u32], Expected<'_>); 11] = [
        ("........", &[0, 1], Ok(&[0, 1])),
        ("........", &[1, 0], Ok(&[0, 1])),
        // They need not lie together, nor be of one row or category.
        ("........", &[0, 7], Ok(&[0, 7])),
        ("ss......", &[2, 3], Ok(&[2, 3])),
        ("h.......", &[0, 1], Err((Held, &[0]))),
        ("s.......", &[0, 1], Err((Sold, &[0]))),
        // One that is sold will not come back: the others do not matter.
        ("sh......", &[0, 1, 2], Err((Sold, &[0, 1]))),
        ("hs......", &[0, 1, 2], Err((Sold, &[0, 1]))),
        ("hh......", &[0, 1, 2], Err((Held, &[0, 1]))),
        ("........", &[7, 8], Err((Invalid, &[8]))),
        // A seat that does not exist says more than one that is taken.
        ("s.......", &[0, 8], Err((Invalid, &[8]))),
    ];
    for (states, places, expected) in rows {
        check(&plan, states, terms(), &named(places), expected);
    }
}

/// `[0]` of a row of two leaves its neighbour alone. Who names seats gets them: the rule that leaves no single seat is of best available.
#[test]
fn a_named_seat_may_leave_its_neighbour_alone() {
    let plan = section(SectionKind::Seated, "aa");
    check(&plan, "..", terms(), &named(&[0]), Ok(&[0]));
    check(&plan, "s.", terms(), &named(&[1]), Ok(&[1]));
}

#[test]
fn a_seat_of_another_section_is_none_of_this_one() {
    let (one, other) = (section(SectionKind::Seated, "aa"), numbered_section(SectionNo(2), FIRST + 2, SectionKind::Seated, "aa"));
    let mut set = WorkingSet::new(EVENT, terms(), vec![one, other], vec![]);
    let foreign = request(booking(1), ANN, "k", named(&[1, 2]));
    let Answer::Decided { decided: Outcome::Refused { refusal, .. }, .. } =
        set.apply(&Command::Create { request: foreign.clone() }, at(0)).answer
    else {
        panic!("given across sections");
    };
    assert_eq!((refusal.reason, refusal.seats), (RefusalReason::Invalid, seats(&[2])));

    let unknown = BookingRequest { section: SectionNo(3), booking: booking(2), key: key("k2"), ..foreign };
    let Answer::Decided { decided: Outcome::Refused { refusal, .. }, .. } =
        set.apply(&Command::Create { request: unknown }, at(0)).answer
    else {
        panic!("given in a section that does not exist");
    };
    assert_eq!(refusal, RefusalReason::Invalid.into());
}

#[test]
fn what_is_taken_is_seen_by_the_next_request() {
    let plan = section(SectionKind::Seated, "aaaa");
    let mut set = hall(&plan, "....", terms());
    let mut ask = |n: u128, places: &[u32]| {
        let request = request(booking(n), ANN, &n.to_string(), named(places));
        matches!(
            set.apply(&Command::Create { request }, at(0)).answer,
            Answer::Decided { decided: Outcome::Held { .. }, replayed: false }
        )
    };
    assert!(ask(1, &[0, 1]));
    assert!(!ask(2, &[1, 2]), "seat 1 is gone");
    assert!(ask(3, &[2, 3]), "what was refused took nothing");
    assert!(seats(&[0, 1, 2, 3]).into_iter().all(|seat| set.state(seat) == SeatState::Held));
}
