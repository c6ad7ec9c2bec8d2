//! What the checker must find, and what it must not.

use jiff::Timestamp;

use super::*;
use crate::queue::{DrawSeed, EMPTY_LOG};

const AT: i64 = 1_000_000;

fn place(n: u8) -> PlaceId {
    PlaceId([n; 16])
}

fn late(position: u64) -> Score {
    Score::late(position).unwrap()
}

/// One turn a second, two at once, three inside.
fn set() -> RoomSettings {
    RoomSettings { rate_per_min: 60, burst: 2, active_cap: 3, ..RoomSettings::default() }
}

/// At which times what was written. Places 0 to 19 have joined: their scores begin at 2.
fn check(settings: &RoomSettings, changes: &[LogEntry], seats: Option<u64>, log: &[(i64, &[Entry])]) -> Vec<Violation> {
    let mut history = History::new(InForce::over_time(settings, changes).unwrap(), seats);
    let begun: Vec<Entry> =
        [Entry::Close, Entry::Draw(DrawSeed([0; 32]))].into_iter().chain((0..20).map(|n| Entry::Join(place(n)))).collect();
    let mut first = 0;
    for (at_ms, entries) in [(AT, &begun[..])].iter().chain(log) {
        let segment = Segment { first, at_ms: *at_ms, hash: EMPTY_LOG, before: EMPTY_LOG, entries: entries.to_vec() };
        first = segment.end();
        history.read(&segment);
    }
    history.violations().to_vec()
}

/// The turns of the places before this one; no one claims for so long.
fn admit(before: u64, at_ms: i64, window_ms: i64) -> Entry {
    Entry::Admit { through: late(before + 1), claim_by_ms: at_ms + window_ms }
}

fn changed(number: u64, at_ms: i64, change: &str) -> LogEntry {
    let at = Timestamp::from_millisecond(at_ms).unwrap();
    LogEntry { number, at, actor: None, change: change.to_owned(), reason: String::new(), hash: String::new() }
}

#[test]
fn turns_that_come_too_fast_over_any_interval_are_found() {
    // Two at once, and three in the time by which clocks may differ.
    let cap = RoomSettings { active_cap: 100, ..set() };
    let of = |log: &[(i64, &[Entry])]| check(&cap, &[], None, log);
    let a = |before, at_ms| [admit(before, at_ms, 1_000)];
    assert_eq!(of(&[(AT, &a(5, AT))]), []);
    assert_eq!(of(&[(AT, &a(6, AT))]), [Violation::TooFast { entry: 22, turns: 6, left: 5 }]);
    assert_eq!(of(&[(AT, &a(5, AT)), (AT + 3_000, &a(8, AT))]), []);
    assert_eq!(of(&[(AT, &a(5, AT)), (AT + 2_999, &a(8, AT))]), [Violation::TooFast { entry: 23, turns: 3, left: 2 }]);
    // Slowly, and all the same too many over a long while: the last one is one too many.
    let slow: Vec<(i64, [Entry; 1])> = (0..12).map(|n| (AT + 500 * n, a(n.unsigned_abs() + 1, AT))).collect();
    let log: Vec<(i64, &[Entry])> = slow.iter().map(|(at_ms, entries)| (*at_ms, &entries[..])).collect();
    assert_eq!(of(&log[..9]), []);
    assert!(matches!(of(&log)[..], [Violation::TooFast { .. }, ..]));
}

#[test]
fn what_was_set_counts_while_it_was_in_force() {
    let log = [(AT + 20_000, vec![admit(12, AT + 20_000, 1_000)])];
    let log: Vec<(i64, &[Entry])> = log.iter().map(|(at_ms, entries)| (*at_ms, &entries[..])).collect();
    let generous = RoomSettings { rate_per_min: 6_000, burst: 100, active_cap: 100, ..set() };
    let strict = RoomSettings { active_cap: 100, ..set() };
    let raised = r#"{"rate_per_min":[60,6000],"burst":[2,100],"message":["","x"]}"#;
    let lowered = r#"{"rate_per_min":[6000,60],"burst":[100,2]}"#;
    let by_the_pipeline = r#"{"auto":[{"low_per_min":1,"high_per_min":6000},null]}"#;
    let shadow = r#"{"mode":["shadow","queue"]}"#;
    let rows: [(&str, &RoomSettings, &[LogEntry], bool); 8] = [
        ("as it is now", &generous, &[], true),
        ("raised before", &generous, &[changed(1, AT + 19_000, raised)], true),
        ("raised long after", &generous, &[changed(1, AT + 30_000, raised)], false),
        ("lowered long before", &strict, &[changed(1, AT + 10_000, lowered)], false),
        ("lowered a moment before: whose clock is right?", &strict, &[changed(1, AT + 19_000, lowered)], true),
        ("a shadow room until then", &strict, &[changed(1, AT + 30_000, shadow)], true),
        ("a shadow room long before", &strict, &[changed(1, AT + 10_000, shadow)], false),
        ("automatic, up to a high limit", &strict, &[changed(1, AT + 30_000, by_the_pipeline)], true),
    ];
    for (what, settings, changes, fine) in rows {
        assert_eq!(check(settings, changes, None, &log).is_empty(), fine, "{what}");
    }
    let announced = r#"{"draw":{"announced":"2026-01-01T00:00:00Z"},"onsale_at":["x","y"]}"#;
    assert_eq!(check(&generous, &[changed(1, AT, announced)], None, &log), [], "what is no setting says nothing here");
    for unreadable in ["nonsense", r#"{"burst":7}"#, r#"{"burst":["many",7]}"#] {
        assert_eq!(
            InForce::over_time(&strict, &[changed(7, AT, unreadable)]),
            Err(UnreadableChange { number: 7 }),
            "{unreadable}"
        );
    }
}

#[test]
fn more_slots_than_the_cap_are_found_when_they_are_taken() {
    let quick = RoomSettings { rate_per_min: 60_000, burst: 100, ..set() };
    let of = |log: &[(i64, &[Entry])]| check(&quick, &[], None, log);
    let claim = |n, slot_ms| Entry::Claim { place: place(n), until_ms: AT + 60_000, slot_ms };
    let three = [admit(3, AT, 1_000)];
    let inside = [claim(0, AT + 5_000), claim(1, AT + 5_000)];
    let (end, renew) =
        (Entry::End { place: place(0), until_ms: AT + 60_000 }, Entry::Renew { place: place(0), slot_ms: AT + 9_000 });
    let resume = [Entry::Resume { place: place(0), slot_ms: AT + 9_000 }];
    let above = |entry, slots| vec![Violation::AboveCap { entry, slots, cap: 3 }];
    let next = |at_ms| (at_ms, [admit(5, at_ms, 1_000)]);
    let then = |log: &[(i64, &[Entry])], at_ms: i64| of(&[log, &[(at_ms, &next(at_ms).1[..])]].concat());

    assert_eq!(of(&[(AT, &[admit(4, AT, 1_000)])]), above(22, 4));
    assert_eq!(then(&[(AT, &three)], AT + 999), above(23, 5));
    assert_eq!(then(&[(AT, &three)], AT + 1_000), []);
    assert_eq!(then(&[(AT, &three), (AT, &inside)], AT + 4_999), above(25, 4), "two inside, two of the next");
    assert_eq!(then(&[(AT, &three), (AT, &inside)], AT + 5_000), []);
    assert_eq!(then(&[(AT, &three), (AT, &inside), (AT, &[renew])], AT + 5_000), [], "one of them renewed, two of the next");
    assert_eq!(then(&[(AT, &three), (AT, &inside), (AT, &[end])], AT + 4_999), above(26, 4), "who leaves keeps it");
    let others = [admit(6, AT + 5_000, 9_000)];
    let full = [(AT, &three[..]), (AT, &inside[..]), (AT + 5_000, &others[..])];
    assert_eq!(of(&full), []);
    assert_eq!(of(&[&full[..], &[(AT + 6_000, &resume[..])]].concat()), above(26, 4), "who comes back finds no room");
}

#[test]
fn more_undecided_fans_than_seats_are_found() {
    let quick = RoomSettings { rate_per_min: 60_000, burst: 100, active_cap: 100, ..set() };
    let claim = Entry::Claim { place: place(0), until_ms: AT + 60_000, slot_ms: AT + 5_000 };
    let booked = Entry::Booked { place: place(0), booked_ms: AT + 10 };
    let two = [admit(2, AT, 60_000), claim];
    let third = [admit(3, AT + 100, 60_000)];
    let of = |log: &[(i64, &[Entry])]| check(&quick, &[], Some(2), log);
    assert_eq!(of(&[(AT, &two), (AT + 100, &third)]), [Violation::AboveStock { entry: 24, undecided: 3, seats: 2 }]);
    assert_eq!(of(&[(AT, &two), (AT + 50, &[booked]), (AT + 100, &third)]), [], "who has booked takes none besides");
}

#[test]
fn turns_that_come_again_are_found_and_a_declared_deferral_is_none() {
    let quick = RoomSettings { rate_per_min: 60_000, burst: 100, active_cap: 100, ..set() };
    let of = |log: &[(i64, &[Entry])]| check(&quick, &[], None, log);
    let two = [admit(2, AT, 1_000)];
    assert_eq!(of(&[(AT, &two), (AT + 1, &[admit(2, AT, 1_000)])]), [Violation::TurnedBack { entry: 23 }]);
    assert_eq!(of(&[(AT, &two), (AT + 1, &[admit(1, AT, 1_000)])]), [Violation::TurnedBack { entry: 23 }]);
    let second = |sequence| Entry::AdmitDeferred { through: Score::deferred(sequence).unwrap(), claim_by_ms: AT + 9_000 };
    let back = [Entry::Defer(place(0)), second(23)];
    assert_eq!(of(&[(AT, &two), (AT + 1_000, &back)]), []);
    assert_eq!(of(&[(AT, &two), (AT + 1_000, &back), (AT + 1_001, &[second(23)])]), [Violation::TurnedBack { entry: 25 }]);
    // The control: a second turn that no one declared.
    let mut history = History::new(InForce::over_time(&quick, &[]).unwrap(), None);
    let entries = vec![Entry::Close, Entry::Draw(DrawSeed([0; 32])), Entry::Join(place(0))];
    history.read(&Segment { first: 0, at_ms: AT, hash: EMPTY_LOG, before: EMPTY_LOG, entries });
    history.entitled.clear();
    history.read(&Segment { first: 3, at_ms: AT, hash: EMPTY_LOG, before: EMPTY_LOG, entries: vec![admit(1, AT, 1_000)] });
    assert_eq!((history.turns(), history.violations()), (1, &[Violation::Twice { entry: 3 }][..]));
}
