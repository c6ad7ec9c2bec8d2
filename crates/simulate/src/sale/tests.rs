//! Whole sales.

use goticket_domain::queue::{Entry, Segment};
use proptest::prelude::*;

use super::Sale;
use crate::room::{Flat, Logged};
use crate::{Auto, Booking, Fault, Index, Kind, Pipeline, Report, Room, Scenario, Slowdown, run, svg};

/// Two thousand fans who are through in some three minutes.
fn small() -> Scenario {
    Scenario {
        fans: 2_000,
        arrivals: vec![(-60, 0.0), (0, 0.8), (60, 1.0)],
        room: Room { rate_per_min: 600, burst: 50, active_cap: 10_000, ..Room::default() },
        ..Scenario::default()
    }
}

#[test]
fn a_sale_without_faults_takes_as_long_as_its_rate_says() {
    let report = run(&small()).unwrap();
    assert_eq!(report.index, Index::Log);
    assert!(report.verdict.is_ok(), "{report}");
    assert_eq!((report.verdict.turns, report.verdict.joined), (2_000, 2_000));
    assert_eq!(report.drained_s, Some(200));
    assert_eq!(report.turns.claimed + report.turns.no_shows + report.turns.too_late, 2_000);
    assert_eq!(report.turns.too_late, 0, "who comes at all comes in time");
    assert!(report.eta.looks > 500 && report.eta.within_share > Some(0.9), "{report}");
    assert_eq!(report.eta.later_promises, 0);
}

#[test]
fn the_same_seed_is_the_same_sale_and_another_one_is_another() {
    let of = |seed| run(&Scenario { seed, faults: Fault::plan(seed, 6, 180), ..small() }).unwrap();
    assert_eq!(of(1), of(1));
    assert_ne!(of(1).turns, of(2).turns);
}

#[test]
fn an_array_and_the_log_come_to_the_same_sale() {
    let faults =
        vec![Fault { at_s: 20, kind: Kind::ReplicaDies { takeover_ms: 1_500 } }, Fault { at_s: 50, kind: Kind::RedisForgets }];
    let of =
        |index| Report { index: Index::Log, ..run(&Scenario { index: Some(index), faults: faults.clone(), ..small() }).unwrap() };
    // Who stands where is drawn differently; how many wait and come inside is not.
    let figures = |report: &Report| (report.drained_s, report.peaks, report.verdict);
    assert_eq!(figures(&of(Index::Flat)), figures(&of(Index::Log)));
}

#[test]
fn each_fault_costs_time_and_nobody_their_place() {
    let quiet = run(&small()).unwrap();
    for (what, kind, later_s) in [
        ("a replica dies", Kind::ReplicaDies { takeover_ms: 2_000 }, 2),
        ("boards come late", Kind::BoardsLate { by_ms: 10_000, for_s: 60 }, 0),
        ("Redis forgets", Kind::RedisForgets, 1),
    ] {
        let faults = (1..=5).map(|n| Fault { at_s: 20 * n, kind }).collect();
        let report = run(&Scenario { faults, ..small() }).unwrap();
        assert!(report.verdict.is_ok(), "{what}: {report}");
        assert_eq!((report.verdict.turns, report.turns.too_late, report.eta.later_promises), (2_000, 0, 0), "{what}");
        // The bucket fills while no one is admitted, up to the burst.
        assert!(report.drained_s <= quiet.drained_s.map(|s| s + later_s * 5), "{what}: {report}");
    }
}

fn sale_whose_index_is_filled_without(fills: fn(&Segment) -> bool) -> Report {
    let scenario = Scenario { faults: vec![Fault { at_s: 30, kind: Kind::RedisForgets }], ..small() };
    let mut room = Logged::new(&scenario);
    room.fills = fills;
    Sale::new(&scenario, room).run()
}

#[test]
fn an_index_that_misses_a_segment_is_found_out() {
    assert!(sale_whose_index_is_filled_without(|_| true).verdict.is_ok());
    let joins = sale_whose_index_is_filled_without(|segment| segment.at_ms != -30_000).verdict;
    assert!(!joins.is_ok() && joins.lost > 0, "joins were left out: {joins:?}");
    let turns = sale_whose_index_is_filled_without(|segment| {
        segment.at_ms < 20_000 || !matches!(segment.entries.as_slice(), [Entry::Admit { .. }])
    });
    assert!(!turns.verdict.is_ok() && turns.verdict.doubled > 0, "turns were left out: {:?}", turns.verdict);
    let draw = sale_whose_index_is_filled_without(|segment| !matches!(segment.entries.as_slice(), [Entry::Close, _])).verdict;
    assert!(!draw.is_ok(), "the draw was left out: {draw:?}");
}

#[test]
fn with_fewer_seats_than_fans_hardly_anyone_inside_finds_nothing() {
    let report = run(&Scenario { seats: Some(500), ..small() }).unwrap();
    assert_eq!((report.turns.seats_sold, report.drained_s), (500, None));
    assert!(report.sold_out_s.is_some() && report.verdict.is_ok(), "{report}");
    // Each is reckoned with one seat and takes two: at the end half of those inside find nothing, and no more.
    assert!(report.turns.found_nothing <= report.turns.booked, "{report}");
    let one_each = Booking { seats: 1, ..Booking::default() };
    let report = run(&Scenario { seats: Some(500), booking: one_each, ..small() }).unwrap();
    assert_eq!((report.turns.seats_sold, report.turns.found_nothing), (500, 0));
}

#[test]
fn no_more_are_inside_than_the_cap() {
    let room = Room { active_cap: 100, ..small().room };
    let report = run(&Scenario { room, ..small() }).unwrap();
    assert!(report.peaks.inside <= 100 && report.verdict.is_ok() && report.drained_s.is_some(), "{report}");
}

#[test]
fn an_automatic_rate_falls_while_the_pipeline_is_slow() {
    let slowdowns = vec![Slowdown { from_s: 60, to_s: 120, to_percent: 2 }];
    let room = Room { auto: Some(Auto { low_per_min: 60, high_per_min: 1_200 }), ..small().room };
    let of = |slowdowns| {
        let pipeline = Pipeline { capacity_per_min: 2_000, slowdowns, ..Pipeline::default() };
        run(&Scenario { room: room.clone(), pipeline, ..small() }).unwrap()
    };
    let (quiet, slow) = (of(Vec::new()), of(slowdowns));
    assert!(slow.verdict.is_ok() && slow.drained_s > quiet.drained_s, "{slow}");
    assert!(slow.rate_per_min.0 < quiet.rate_per_min.0 / 2 && slow.rate_per_min.0 >= 60, "{slow}");
}

#[test]
fn a_report_is_told_as_text_json_and_picture() {
    let report = run(&small()).unwrap();
    let text = report.to_string();
    assert!(text.contains("line empty            0:03:20\n") && text.ends_with("Every place was kept.\n"), "{text}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!((&json["verdict"]["lost"], &json["drained_s"]), (&0.into(), &200.into()));
    let picture = svg(&report).unwrap();
    assert!(picture.starts_with("<svg") && picture.contains("polls per second") && picture.trim_end().ends_with("</svg>"));
}

#[test]
fn who_comes_back_after_their_turn_passed_has_one_more_ahead_of_those_who_wait_and_no_third() {
    let scenario = Scenario { no_show_share: 0.3, return_share: 0.5, faults: Fault::plan(3, 6, 180), ..small() };
    for index in [Index::Log, Index::Flat] {
        let report = run(&Scenario { index: Some(index), ..scenario.clone() }).unwrap();
        let turns = report.turns;
        assert!(report.verdict.is_ok(), "{report}");
        assert!(turns.deferred > 50, "{report}");
        assert_eq!(report.verdict.turns, 2_000 + turns.deferred, "{report}");
        assert_eq!(turns.claimed + turns.no_shows + turns.too_late, report.verdict.turns);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever goes wrong, in any sale: no one loses their place, has two, or is overtaken.
    #[test]
    fn faults_of_any_seed_leave_every_place(
        seed: u64, count in 0u32..12, fans in 1u32..1_500, rate in 100u32..3_000, cap in 20u32..2_000, no_show_share in 0.0..0.9,
        return_share in 0.0..0.9,
    ) {
        let room = Room { rate_per_min: rate, active_cap: cap, claim_window_s: 10, session_s: 60, ..Room::default() };
        let faults = Fault::plan(seed, count, 120);
        let scenario = Scenario { seed, fans, no_show_share, return_share, room, faults, ..small() };
        let report = run(&scenario).unwrap();
        prop_assert!(report.verdict.is_ok(), "{report}");
        prop_assert!(report.verdict.turns == u64::from(fans) + report.turns.deferred && report.peaks.inside <= u64::from(cap), "{report}");
        let flat = Sale::new(&scenario, Flat::new(&scenario)).run();
        prop_assert!(flat.verdict.is_ok(), "{flat}");
    }
}
