//! Standing places are all alike: the lowest free ones.

use std::time::Instant;

use goticket_domain::{
    booking::{Change, Command, RefusalReason},
    seating::SectionKind,
};

use crate::{
    choosing::check,
    hall::{ANN, at, best, booking, hall, named, request, section, terms},
};

#[test]
fn standing_places_are_given_while_there_are_any() {
    let plan = section(SectionKind::Standing, "aaaaa");
    check(&plan, "s.h..", terms(), &best(3, None), Ok(&[1, 3, 4]));
    check(&plan, "s.h.s", terms(), &best(3, None), Err((RefusalReason::NotTogether, &[])));
    check(&plan, "ssshs", terms(), &best(1, None), Err((RefusalReason::Held, &[])));
    check(&plan, "sssss", terms(), &best(1, None), Err((RefusalReason::Sold, &[])));
}

#[test]
fn standing_places_can_be_of_several_categories() {
    let plan = section(SectionKind::Standing, "abab");
    check(&plan, "....", terms(), &best(2, Some(1)), Ok(&[1, 3]));
    check(&plan, ".s..", terms(), &best(2, Some(1)), Err((RefusalReason::NotTogether, &[])));
}

#[test]
fn standing_places_can_be_named_too() {
    let plan = section(SectionKind::Standing, "aaa");
    check(&plan, "...", terms(), &named(&[1]), Ok(&[1]));
    check(&plan, ".s.", terms(), &named(&[1]), Err((RefusalReason::Sold, &[1])));
}

/// As many refusals as there are requests for a sold-out crowd: each costs what a glance costs, however many places there are.
#[test]
fn a_sold_out_crowd_is_refused_in_microseconds() {
    const PLACES: usize = 20_000;
    let plan = section(SectionKind::Standing, &"a".repeat(PLACES));
    let mut set = hall(&plan, &"s".repeat(PLACES), terms());
    let request = request(booking(1_000_000), ANN, "k", best(1, None));
    let ask = Command::Create { request };
    let quickest = (0..50).map(|_| {
        let start = Instant::now();
        let applied = set.apply(&ask, at(0));
        let elapsed = start.elapsed();
        assert!(matches!(&applied.changes[..], [Change::Refused(refused)] if refused.refusal == RefusalReason::Sold.into()));
        set.take_back(&applied.changes);
        elapsed
    });
    let quickest = quickest.min().unwrap();
    assert!(quickest.as_micros() < 100, "{quickest:?}");
}
