//! Standing places are all alike: the lowest free ones.

use goticket_domain::{booking::RefusalReason, seating::SectionKind};

use crate::{
    choosing::check,
    hall::{best, named, section, terms},
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
