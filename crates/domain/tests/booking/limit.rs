//! One account has at most so many tickets of an event, over all its live bookings.

use goticket_domain::{
    booking::{RefusalReason, Terms},
    seating::SectionKind,
};

use crate::{
    choosing::{Expected, check},
    hall::{best, named, section, terms},
};

const BEYOND: Expected<'_> = Err((RefusalReason::LimitReached, &[]));

#[test]
fn the_limit_counts_what_the_account_has() {
    let plan = section(SectionKind::Seated, "aaaaaaaaaa");
    let rows: [(&str, &[u32], Expected<'_>); 8] = [
        ("..........", &[0, 1, 2, 3, 4, 5], Ok(&[0, 1, 2, 3, 4, 5])),
        ("..........", &[0, 1, 2, 3, 4, 5, 6], BEYOND),
        // Held or sold, it is a ticket.
        (".....SSSHH", &[0], Ok(&[0])),
        (".....SSSHH", &[0, 1], BEYOND),
        ("....SSSSSS", &[0], BEYOND),
        ("....HHHHHH", &[0], BEYOND),
        // What others have does not count.
        ("....sssshh", &[0, 1, 2, 3], Ok(&[0, 1, 2, 3])),
        // Their own seats, asked for again, explain more than the limit does.
        ("....HHHHHH", &[4, 5], Err((RefusalReason::Yours, &[4, 5]))),
    ];
    for (states, places, expected) in rows {
        check(&plan, states, terms(), &named(places), expected);
    }
    check(&plan, ".....SSSHH", terms(), &best(1, None), Ok(&[4]));
    check(&plan, ".....SSSHH", terms(), &best(2, None), BEYOND);
}

#[test]
fn the_limit_is_told_before_seats_of_others_are() {
    let plan = section(SectionKind::Seated, "aaaaaaaaaa");
    check(&plan, "s...HHHHHH", terms(), &named(&[0]), BEYOND);
    check(&plan, "s...HHHHHH", terms(), &named(&[0, 4]), BEYOND);
    check(&plan, "ssssHHHHHH", terms(), &best(1, None), BEYOND);
}

#[test]
fn whoever_has_more_than_a_lowered_limit_keeps_it_and_gets_no_more() {
    let plan = section(SectionKind::Seated, "aaaaaaaaaa");
    let lowered = |ticket_limit| Terms { ticket_limit, ..terms() };
    check(&plan, "......SSHH", lowered(3), &named(&[0]), BEYOND);
    check(&plan, "......SSHH", lowered(5), &named(&[0]), Ok(&[0]));
    check(&plan, "..........", lowered(0), &named(&[0]), BEYOND);
    check(&plan, "..........", lowered(u32::MAX), &named(&[0]), Ok(&[0]));
}
