//! The rules of the sale, row by row, and what holds for any batch.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{
    BookingId,
    seating::{LayoutSeat, SectionKind},
};

const OPEN: Rules = Rules { on_sale: true, ticket_limit: 6 };
const FIRST: u32 = 100;

/// One section whose first seat is 100. Rows are words: a letter is a seat (`a` category 0, `b` category 1), `_` an aisle.
fn section(kind: SectionKind, rows: &str) -> SectionPlan {
    let mut seats = Vec::new();
    for (row, letters) in rows.split_whitespace().enumerate() {
        let mut block = 0;
        for (place, letter) in letters.chars().enumerate() {
            if letter == '_' {
                block += 1;
                continue;
            }
            seats.push(LayoutSeat {
                no: FIRST + u32::try_from(seats.len()).unwrap(),
                row: u16::try_from(row).unwrap(),
                block,
                row_label: row.to_string(),
                number: place.to_string(),
                guid: format!("{row}-{place}"),
                category: u16::from(letter == 'b'),
                x: Some(f32::from(u16::try_from(place).unwrap())),
                y: Some(f32::from(u16::try_from(row).unwrap())),
            });
        }
    }
    SectionPlan::new(&LayoutSection { no: 1, name: "S".into(), kind, area: None, first_seat: FIRST, seats })
}

/// A letter per seat: `.` free, `h` held, `s` sold, `c` held since we last looked, `l` free but about to be taken.
fn ledger(states: &str) -> Ledger {
    let mut ledger = Ledger::default();
    for (seat, state) in (FIRST..).zip(states.chars().filter(|c| !c.is_whitespace())) {
        match state {
            'h' | 'c' => ledger.set(&[seat], SeatState::Held),
            's' => ledger.set(&[seat], SeatState::Sold),
            _ => {}
        }
        if matches!(state, 'c' | 'l') {
            ledger.contest(seat);
        }
    }
    ledger
}

fn named(seats: &[u32]) -> SeatChoice {
    SeatChoice::Named { seats: seats.iter().map(|seat| FIRST + seat).collect() }
}

fn best(quantity: u8, category: Option<u16>) -> SeatChoice {
    SeatChoice::BestAvailable { quantity, category }
}

/// `Ok`: the seats held; `Err`: the reason and the seats in the way. Numbers count from the section's first seat.
type Expected<'a> = Result<&'a [u32], (RefusalReason, &'a [u32])>;

#[track_caller]
fn check(plan: &SectionPlan, states: &str, choice: &SeatChoice, rules: Rules, tickets: u32, expected: Expected<'_>) {
    let mut ledger = ledger(states);
    let from_first = |seats: &[u32]| seats.iter().map(|seat| FIRST + seat).collect::<Vec<_>>();
    let expected = match expected {
        Ok(seats) => Decision::Held { seats: from_first(seats) },
        Err((reason, seats)) => Decision::Refused { reason, seats: from_first(seats) },
    };
    assert_eq!(decide(choice, rules, tickets, plan, &mut ledger), expected, "{states} {choice:?}");
    if let Decision::Held { seats } = expected {
        assert!(seats.iter().all(|&seat| ledger.state(seat) == SeatState::Held), "what is given is taken");
    }
}

#[test]
fn named_seats_are_given_or_refused_with_the_truth() {
    use RefusalReason::{Contended, Held, Invalid, Sold};
    let plan = section(SectionKind::Seated, "aaaa aabb");
    let rows: [(&str, &[u32], Expected<'_>); 12] = [
        ("........", &[0, 1], Ok(&[0, 1])),
        ("........", &[0, 7], Ok(&[0, 7])),
        ("h.......", &[0, 1], Err((Held, &[0]))),
        ("s.......", &[0, 1], Err((Sold, &[0]))),
        ("sh......", &[0, 1, 2], Err((Sold, &[0, 1]))),
        ("c.......", &[0, 1], Err((Contended, &[0]))),
        ("l.......", &[0, 1], Err((Contended, &[0]))),
        ("ch......", &[0, 1], Err((Held, &[0, 1]))),
        ("cs......", &[0, 1], Err((Sold, &[0, 1]))),
        ("ss......", &[2, 3], Ok(&[2, 3])),
        ("........", &[7, 8], Err((Invalid, &[8]))),
        ("........", &[1, 0], Err((Invalid, &[]))),
    ];
    for (states, seats, expected) in rows {
        check(&plan, states, &named(seats), OPEN, 0, expected);
    }
}

#[test]
fn the_best_seats_are_given_or_refused_with_the_truth() {
    use RefusalReason::{Held, Invalid, NotTogether, Sold};
    let plan = section(SectionKind::Seated, "aaaa aabb");
    let rows: [(&str, u8, Option<u16>, Expected<'_>); 12] = [
        ("........", 4, None, Ok(&[0, 1, 2, 3])),
        ("s.......", 3, None, Ok(&[1, 2, 3])),
        ("ssss....", 2, Some(1), Ok(&[6, 7])),
        ("........", 2, Some(1), Ok(&[6, 7])),
        ("........", 1, Some(2), Err((Invalid, &[]))),
        ("........", 0, None, Err((Invalid, &[]))),
        ("........", 11, None, Err((Invalid, &[]))),
        ("........", 5, None, Err((NotTogether, &[]))),
        (".s.ss.s.", 2, None, Err((NotTogether, &[]))),
        ("ssssssss", 1, None, Err((Sold, &[]))),
        ("sssssssh", 1, None, Err((Held, &[]))),
        ("......ss", 1, Some(1), Err((Sold, &[]))),
    ];
    for (states, quantity, category, expected) in rows {
        check(&plan, states, &best(quantity, category), OPEN, 0, expected);
    }
    check(&plan, "llll....", &best(4, None), OPEN, 0, Ok(&[4, 5, 6, 7]));
}

#[test]
fn standing_places_are_given_while_there_are_any() {
    let plan = section(SectionKind::Standing, "aaaaa");
    check(&plan, "s.h..", &best(3, None), OPEN, 0, Ok(&[1, 3, 4]));
    check(&plan, "s.h.s", &best(3, None), OPEN, 0, Err((RefusalReason::NotTogether, &[])));
    check(&plan, "sssss", &best(1, None), OPEN, 0, Err((RefusalReason::Sold, &[])));
}

#[test]
fn the_limit_counts_what_the_account_has() {
    let plan = section(SectionKind::Seated, "aaaaaaaaaa");
    let limit = Err((RefusalReason::LimitReached, [].as_slice()));
    for (tickets, seats, expected) in [
        (0, [0, 1, 2, 3, 4, 5].as_slice(), Ok([0, 1, 2, 3, 4, 5].as_slice())),
        (0, &[0, 1, 2, 3, 4, 5, 6], limit),
        (5, &[0], Ok(&[0])),
        (5, &[0, 1], limit),
        (6, &[0], limit),
        (u32::MAX, &[0], limit),
    ] {
        check(&plan, "", &named(seats), OPEN, tickets, expected);
    }
}

#[test]
fn nothing_is_sold_when_nothing_is_on_sale() {
    let plan = section(SectionKind::Seated, "aaaa");
    let closed = Rules { on_sale: false, ..OPEN };
    check(&plan, "", &named(&[0]), closed, 0, Err((RefusalReason::NotOnSale, &[])));
    check(&plan, "", &named(&[9]), closed, 0, Err((RefusalReason::NotOnSale, &[])));
}

fn choices() -> impl Strategy<Value = SeatChoice> {
    let named = prop::collection::btree_set(FIRST..FIRST + 26, 1..5)
        .prop_map(|seats| SeatChoice::Named { seats: seats.into_iter().collect() });
    let best = (1_u8..5, prop::option::of(0_u16..2)).prop_map(|(quantity, category)| best(quantity, category));
    prop_oneof![named, best]
}

proptest! {
    #[test]
    fn no_batch_gives_a_seat_twice_breaks_the_limit_or_decides_a_key_twice(
        batch in prop::collection::vec((0_u128..6, 0_u8..12, choices()), 1..80),
        taken in prop::collection::hash_set(FIRST..FIRST + 24, 0..12),
    ) {
        let plan = section(SectionKind::Seated, "aaaa_aaaa aaaabbbb bbbbbbbb");
        let mut ledger = Ledger::default();
        ledger.set(&taken.iter().copied().collect::<Vec<_>>(), SeatState::Sold);
        let mut tickets: HashMap<AccountId, u32> = HashMap::new();
        let mut given: HashSet<u32> = taken.clone();
        let mut answers = Answers::default();
        let mut decided: HashMap<(AccountId, u8), Outcome> = HashMap::new();
        for (who, key_no, choice) in batch {
            let account = AccountId(Uuid::from_u128(who));
            let key = IdempotencyKey::parse(&key_no.to_string()).unwrap();
            let hash = crate::booking::BookingRequest::hash(crate::EventId(Uuid::nil()), 1, &choice);
            match answers.look_up(account, &key, hash) {
                Known::Answered(outcome) => {
                    prop_assert_eq!(decided.get(&(account, key_no)), Some(&outcome));
                    continue;
                }
                Known::Reused => continue,
                Known::Nothing => {}
            }
            let has = tickets.entry(account).or_default();
            let decision = decide(&choice, OPEN, *has, &plan, &mut ledger);
            if let Decision::Held { seats } = &decision {
                for &seat in seats {
                    prop_assert!(given.insert(seat), "seat {} given twice", seat);
                    prop_assert!(plan.category(seat).is_some());
                }
                prop_assert_eq!(seats.len(), choice.quantity() as usize);
                *has += choice.quantity();
                prop_assert!(*has <= OPEN.ticket_limit);
            }
            let outcome = Outcome::Refused { booking: BookingId(Uuid::now_v7()), reason: RefusalReason::Sold, seats: vec![] };
            prop_assert!(decided.insert((account, key_no), outcome.clone()).is_none(), "one key, one decision");
            answers.remember(account, key, hash, outcome);
        }
    }
}
