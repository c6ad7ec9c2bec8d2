//! The best seats are given, or it is told why there are none. Which ones are the best is tested with seating.

use goticket_domain::{booking::RefusalReason, seating::SectionKind};

use crate::{
    choosing::{Expected, check},
    hall::{best, section, terms},
};

#[test]
fn the_best_seats_are_given_or_refused_with_the_truth() {
    use RefusalReason::{Held, Invalid, NotTogether, Sold};
    let plan = section(SectionKind::Seated, "aaaa aabb");
    let rows: [(&str, u32, Option<u16>, Expected<'_>); 12] = [
        ("........", 4, None, Ok(&[0, 1, 2, 3])),
        ("s.......", 3, None, Ok(&[1, 2, 3])),
        ("h.......", 3, None, Ok(&[1, 2, 3])),
        ("hhhh....", 4, None, Ok(&[4, 5, 6, 7])),
        ("ssss....", 2, Some(1), Ok(&[6, 7])),
        ("........", 2, Some(1), Ok(&[6, 7])),
        ("........", 1, Some(2), Err((Invalid, &[]))),
        ("........", 5, None, Err((NotTogether, &[]))),
        (".s.ss.s.", 2, None, Err((NotTogether, &[]))),
        ("ssssssss", 1, None, Err((Sold, &[]))),
        ("sssssssh", 1, None, Err((Held, &[]))),
        ("......ss", 1, Some(1), Err((Sold, &[]))),
    ];
    for (states, quantity, category, expected) in rows {
        check(&plan, states, terms(), &best(quantity, category), expected);
    }
}

#[test]
fn seats_across_an_aisle_do_not_lie_together() {
    let plan = section(SectionKind::Seated, "aa_aa");
    check(&plan, "....", terms(), &best(2, None), Ok(&[0, 1]));
    check(&plan, "s...", terms(), &best(2, None), Ok(&[2, 3]));
    check(&plan, "....", terms(), &best(3, None), Err((RefusalReason::NotTogether, &[])));
}
