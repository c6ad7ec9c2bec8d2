//! What a refusal tells about the seats in the way: until when they are held, and that they are the fan's own.

use goticket_domain::{
    booking::{Outcome, Refusal, RefusalReason},
    seating::SectionKind,
};

use crate::{
    choosing::ask,
    hall::{at, best, booking, named, seats, section, terms},
};

/// The hold at place `n` ends `30 + n` s after the begin of the sale; the booking at place `n` is number `n`.
#[test]
fn seats_in_the_way_are_told_with_what_the_fan_can_know() {
    use RefusalReason::{Held, Sold, Yours};
    let plan = section(SectionKind::Seated, "aaaa aaaa");
    // States, places asked for; reason, places in the way, end of the last hold, the fan's own booking.
    type Row = (&'static str, &'static [u32], RefusalReason, &'static [u32], Option<i64>, Option<u128>);
    let rows: [Row; 12] = [
        ("h.......", &[0], Held, &[0], Some(30), None),
        // All of them must come back before the request can be granted.
        ("h..h....", &[0, 3], Held, &[0, 3], Some(33), None),
        ("h..h....", &[0, 1], Held, &[0], Some(30), None),
        ("s.......", &[0], Sold, &[0], None, None),
        ("sh......", &[0, 1], Sold, &[0, 1], None, None),
        // Held by the fan, or bought.
        ("H.......", &[0], Yours, &[0], None, Some(0)),
        (".S......", &[0, 1], Yours, &[1], None, Some(1)),
        // The back button: the same seats again, with another key.
        ("..HH....", &[2, 3], Yours, &[2, 3], None, Some(2)),
        ("..SH....", &[2, 3, 4], Yours, &[2, 3], None, Some(2)),
        // Somebody else is in the way too: it is not enough to lead the fan to what they have.
        ("Hh......", &[0, 1], Held, &[0, 1], Some(31), None),
        ("Hs......", &[0, 1], Sold, &[0, 1], None, None),
        ("Sh......", &[0, 1], Sold, &[0, 1], None, None),
    ];
    for (states, places, reason, in_the_way, until, yours) in rows {
        let decided = ask(&plan, states, terms(), &named(places));
        let (until, yours) = (until.map(at), yours.map(booking));
        let refusal = Refusal { reason, seats: seats(in_the_way), until, yours };
        assert_eq!(decided, Outcome::Refused { booking: booking(1_000), refusal }, "{states} {places:?}");
    }
}

#[test]
fn best_available_names_no_seats_in_the_way() {
    let plan = section(SectionKind::Seated, "aa");
    for (states, reason) in [("hh", RefusalReason::Held), ("ss", RefusalReason::Sold), ("s.", RefusalReason::NotTogether)] {
        let decided = ask(&plan, states, terms(), &best(2, None));
        assert_eq!(decided, Outcome::Refused { booking: booking(1_000), refusal: reason.into() }, "{states}");
    }
}
