use super::*;
use crate::queue::EMPTY_LOG;

const AT: i64 = 1_000;

fn place(n: u8) -> PlaceId {
    PlaceId([n; 16])
}

fn late(position: u64) -> Score {
    Score::late(position).unwrap()
}

fn line(segments: &[(i64, &[Entry])]) -> Line {
    let mut line = Line::default();
    let mut first = 0;
    for (at_ms, entries) in segments {
        let segment = Segment { first, at_ms: *at_ms, hash: EMPTY_LOG, before: EMPTY_LOG, entries: entries.to_vec() };
        first = segment.end();
        line.apply(&segment);
    }
    line
}

#[test]
fn the_lobby_is_drawn_and_who_joins_later_stands_behind_it_in_the_order_of_the_log() {
    use Entry::{Close, Draw, Join, Leave};
    let seed = DrawSeed([3; 32]);
    let order = order(&seed, [place(1), place(2)]);
    let drawn = |n| Score::drawn(u64::from(order[0] != place(n))).map(Standing::Waiting);
    let entries = [Join(place(1)), Join(place(2)), Join(place(1)), Close, Join(place(3)), Join(place(2)), Leave(place(4))];
    let closed = line(&[(AT, &entries)]);
    assert_eq!(closed.standing(place(1), AT), Some(Standing::Lobby { position: 0 }));
    assert_eq!(closed.standing(place(3), AT), Some(Standing::Waiting(late(4))));
    assert_eq!(closed.to_be_drawn(), [place(1), place(2)]);
    let after = line(&[(AT, &entries), (AT, &[Leave(place(1)), Draw(seed), Join(place(1)), Draw(DrawSeed([4; 32]))])]);
    assert_eq!(after.standing(place(2), AT), drawn(2));
    assert_eq!(after.standing(place(1), AT), Some(Standing::Waiting(late(9))), "left while it was drawn: at the end");
    assert_eq!(after.phase(), Phase::Drawn);
}

#[test]
fn turns_come_by_score_and_end_with_their_time() {
    use Entry::{Admit, Claim, Close, Draw, End, Join, Leave};
    let begun = [Close, Draw(DrawSeed([0; 32])), Join(place(1)), Join(place(2)), Join(place(3)), Leave(place(2))];
    let admit = Admit { through: late(3), claim_by_ms: 2_000 };
    let claim = |n, until_ms| Claim { place: place(n), until_ms, slot_ms: 3_000 };
    let inside =
        |since_ms, until_ms| Some(Standing::Inside { score: late(2), session: Session { since_ms, until_ms, slot_ms: 3_000 } });
    let one = late(2);
    let end = |until_ms| End { place: place(1), until_ms };
    type Case<'a> = (&'a str, i64, &'a [Entry], u8, i64, Option<Standing>);
    let cases: [Case<'_>; 10] = [
        ("who stands behind waits", AT, &[], 3, AT, Some(Standing::Waiting(late(4)))),
        ("who left is not admitted", AT, &[], 2, AT, None),
        ("a turn", AT, &[], 1, 1_999, Some(Standing::Admitted { score: one, claim_by_ms: 2_000 })),
        ("that passes", AT, &[], 1, 2_000, None),
        ("is claimed in time", 1_999, &[claim(1, 5_000)], 1, 4_999, inside(1_999, 5_000)),
        ("or not", 2_000, &[claim(1, 5_000)], 1, 2_000, None),
        ("once", AT, &[claim(1, 5_000), claim(1, 9_000)], 1, 5_000, None),
        ("ended", AT, &[claim(1, 5_000), end(3_000)], 1, AT, None),
        (
            "which only ends what is there",
            AT,
            &[end(3_000)],
            1,
            1_999,
            Some(Standing::Admitted { score: one, claim_by_ms: 2_000 }),
        ),
        ("and begins again at the end", 2_000, &[Join(place(1))], 1, AT, Some(Standing::Waiting(late(7)))),
    ];
    for (what, at_ms, entries, n, asked_ms, expected) in cases {
        let line = line(&[(AT, &begun), (AT, &[admit]), (at_ms, entries)]);
        assert_eq!(line.standing(place(n), asked_ms), expected, "{what}");
        assert_eq!((line.admitted(), line.frontier()), (1, Some(late(3))), "{what}");
    }
}

#[test]
fn a_slot_is_free_when_nothing_given_out_for_it_buys_any_more() {
    use Entry::{Admit, Claim, Close, Draw, End, Join, Renew, Resume};
    let admit = Admit { through: late(9), claim_by_ms: 2_000 };
    let enter = |until_ms, slot_ms| [admit, Claim { place: place(1), until_ms, slot_ms }];
    let begun = [vec![Close, Draw(DrawSeed([0; 32])), Join(place(1))], enter(5_000, 3_000).to_vec()].concat();
    let end = |until_ms| End { place: place(1), until_ms };
    let (renew, resume) = (|slot_ms| Renew { place: place(1), slot_ms }, |slot_ms| Resume { place: place(1), slot_ms });
    let again = [vec![end(5_000), Join(place(1))], enter(5_000, 2_500).to_vec(), vec![end(5_000)]].concat();
    // (what, when, what happened, until when the slot is taken)
    let cases: [(&str, i64, &[Entry], i64); 11] = [
        ("as long as the first token buys", AT, &[], 3_000),
        ("or the last one", AT, &[renew(4_000)], 4_000),
        ("not longer than the session", AT, &[renew(9_000)], 5_000),
        ("a renewal makes it no shorter", AT, &[renew(4_000), renew(3_500)], 4_000),
        ("a moment before it is over", 2_999, &[renew(4_000)], 4_000),
        ("and not after", 3_000, &[renew(4_000)], 3_000),
        ("but it is taken again where there was room", 3_000, &[resume(4_000), renew(4_500)], 4_500),
        ("not after the session", 5_000, &[resume(9_000)], 3_000),
        ("who leaves keeps it no longer", AT, &[end(5_000), renew(4_000), resume(4_000), end(9_000)], 3_000),
        ("an end says how long at most", AT, &[end(2_500)], 2_500),
        ("one account, two sessions: the longer one's", AT, &again, 3_000),
    ];
    for (what, at_ms, entries, until_ms) in cases {
        let line = line(&[(AT, &begun), (at_ms, entries)]);
        assert_eq!((line.inside(until_ms - 1), line.inside(until_ms)), (1, 0), "{what}");
    }
}

#[test]
fn a_session_ends_with_the_booking_that_was_made_in_it() {
    use Entry::{Admit, Booked, Claim, Close, Draw, Join, Renew, Resume};
    let enter = |until_ms| {
        [
            Join(place(1)),
            Admit { through: late(99), claim_by_ms: until_ms },
            Claim { place: place(1), until_ms, slot_ms: until_ms - 1_000 },
        ]
    };
    let begun = [vec![Close, Draw(DrawSeed([0; 32]))], enter(5_000).to_vec()].concat();
    let booked = |booked_ms| Booked { place: place(1), booked_ms };
    let renewed = [booked(AT), Renew { place: place(1), slot_ms: 4_500 }, Resume { place: place(1), slot_ms: 4_500 }];
    // (what, when, what happened, whether they stand inside after it, until when the slot is taken)
    let cases: [(&str, i64, &[Entry], bool, i64); 6] = [
        ("in it", AT, &[booked(AT)], false, 4_000),
        ("long before this was heard of", 3_999, &[booked(AT)], false, 4_000),
        ("after its slot was over", 4_000, &[booked(AT)], false, 4_000),
        ("before it: of a session of before", AT, &[booked(AT - 1)], true, 4_000),
        ("heard of twice", AT, &[booked(AT), booked(AT)], false, 4_000),
        ("nothing is renewed after it", AT, &renewed, false, 4_000),
    ];
    for (what, at_ms, entries, stands, until_ms) in cases {
        let line = line(&[(AT, &begun), (at_ms, entries)]);
        assert_eq!(line.standing(place(1), at_ms).is_some(), stands, "{what}");
        assert_eq!((line.inside(until_ms - 1), line.inside(until_ms)), (1, 0), "{what}");
    }
    let again = line(&[(AT, &begun), (2_000, &[booked(AT)]), (2_000, &enter(9_000)), (3_000, &[booked(AT)])]);
    assert!(again.standing(place(1), 3_000).is_some(), "what is heard of again does not end a later session");
}

#[test]
fn a_session_goes_on_without_its_slot_and_ends_once() {
    use Entry::{Admit, Claim, Close, Draw, Join};
    let enter = [
        Close,
        Draw(DrawSeed([0; 32])),
        Join(place(1)),
        Admit { through: late(9), claim_by_ms: 2_000 },
        Claim { place: place(1), until_ms: 5_000, slot_ms: 9_000 },
    ];
    let line = line(&[(AT, &enter)]);
    let session = Session { since_ms: AT, until_ms: 5_000, slot_ms: 5_000 };
    assert_eq!(line.standing(place(1), 4_999), Some(Standing::Inside { score: late(2), session }));
    assert_eq!(line.standing(place(1), 5_000), None);
}

#[test]
fn who_let_their_turn_pass_has_one_more_and_no_third() {
    use Entry::{Admit, AdmitDeferred, Claim, Close, Defer, Draw, Join, Leave};
    let one = || place(1);
    let begun = [Close, Draw(DrawSeed([0; 32])), Join(one()), Join(place(2)), Admit { through: late(2), claim_by_ms: 2_000 }];
    let deferred = |n| Score::deferred(n).unwrap();
    let again = |n, claim_by_ms| AdmitDeferred { through: deferred(n), claim_by_ms };
    let waits = |n| Some(Standing::Deferred(deferred(n)));
    let turn = |n, claim_by_ms| Some(Standing::Admitted { score: deferred(n), claim_by_ms });
    let claim = Claim { place: one(), until_ms: 9_000, slot_ms: 4_000 };
    type Case<'a> = (&'a str, &'a [(i64, &'a [Entry])], i64, Option<Standing>);
    let cases: [Case<'_>; 11] = [
        ("back in time", &[(1_999, &[Defer(one())])], 1_999, Some(Standing::Admitted { score: late(2), claim_by_ms: 2_000 })),
        ("too late", &[(2_000, &[Defer(one())])], 2_000, waits(5)),
        ("whose turn did not pass", &[(2_000, &[Leave(one()), Defer(place(3))])], 2_000, None),
        (
            "gives up, and begins at the end",
            &[(2_000, &[Defer(one()), Leave(one()), Join(one())])],
            2_000,
            Some(Standing::Waiting(late(7))),
        ),
        ("their second turn", &[(2_000, &[Defer(one()), again(5, 3_000)])], 2_000, turn(5, 3_000)),
        ("not yet", &[(2_000, &[Defer(one()), again(4, 3_000)])], 2_000, waits(5)),
        ("passes, and there is no third", &[(2_000, &[Defer(one()), again(5, 3_000)]), (3_000, &[Defer(one())])], 3_000, None),
        (
            "nor after they left and came back",
            &[
                (2_000, &[Defer(one()), Leave(one()), Join(one()), Admit { through: late(7), claim_by_ms: 3_000 }]),
                (3_000, &[Defer(one())]),
            ],
            3_000,
            None,
        ),
        ("inside, with a slot", &[(AT, &[claim]), (3_999, &[Defer(one())])], 9_000, None),
        ("inside, without one", &[(AT, &[claim]), (4_000, &[Defer(one())])], 9_000, waits(6)),
        ("whose session is over", &[(AT, &[claim]), (9_000, &[Defer(one())])], 9_000, None),
    ];
    for (what, entries, asked_ms, expected) in cases {
        let line = line(&[&[(AT, &begun[..])][..], entries].concat());
        assert_eq!(line.standing(one(), asked_ms), expected, "{what}");
        if line.frontier() == Some(late(2)) {
            let waits = Some(Standing::Waiting(late(3)));
            assert_eq!(line.standing(place(2), asked_ms), waits, "{what}: who waits stands where they stood");
        }
    }
    let line = line(&[(AT, &begun), (2_000, &[Defer(one()), again(5, 3_000)])]);
    assert_eq!((line.deferred_frontier(), line.frontier(), line.admitted()), (Some(deferred(5)), Some(late(2)), 2));
    assert_eq!([2_999, 3_000].map(|at_ms| line.deferred_passed(at_ms)), [None, Some(deferred(5))]);
}

#[test]
fn turns_are_over_in_the_order_of_the_line() {
    use Entry::{Admit, Close, Draw, Join};
    let begun = [Close, Draw(DrawSeed([0; 32])), Join(place(1)), Join(place(2)), Join(place(3))];
    let admit = |n, claim_by_ms| Admit { through: late(n), claim_by_ms };
    // The window was made shorter, and longer again.
    let line = line(&[(AT, &begun), (AT, &[admit(2, 5_000)]), (AT, &[admit(3, 3_000)]), (AT, &[admit(4, 9_000)])]);
    let passed = [4_999, 5_000, 8_999, 9_000].map(|at_ms| line.passed(at_ms));
    assert_eq!(passed, [None, Some(late(3)), Some(late(3)), Some(late(4))]);
}
