//! The numbered places of an event.

use std::f64::consts::PI;

use goticket_domain::seating::{LayoutProblem as Problem, MAX_SEATS, SectionKind, StandingArea};
use rstest::rstest;
use serde_json::json;

use crate::plans::{import, row, rows, small, with};

fn pit(capacity: u32) -> StandingArea {
    StandingArea { area: "pit".into(), category: "Far".into(), name: None, capacity }
}

#[test]
fn standing_places_follow_the_seats_and_are_all_alike() {
    let layout = import(&small()).unwrap().layout(&[pit(3)]).unwrap();
    let pit = &layout.sections[2];
    assert_eq!((pit.no, pit.name.as_str(), pit.kind, pit.first_seat), (2, "Pit", SectionKind::Standing, 3));
    assert_eq!(pit.area.as_deref(), Some("pit"));
    let places: Vec<_> = pit.seats.iter().map(|s| (s.no, s.number.as_str(), s.guid.as_str(), s.category, s.x)).collect();
    assert_eq!(places, [(3, "1", "pit#1", 1, None), (4, "2", "pit#2", 1, None), (5, "3", "pit#3", 1, None)]);
    assert!(pit.seats.iter().all(|seat| seat.row_label.is_empty()));
}

#[test]
fn a_standing_section_may_have_a_name_and_never_another_ones() {
    let plan = import(&small()).unwrap();
    let named = |name: &str| StandingArea { name: Some(name.into()), ..pit(1) };
    assert_eq!(plan.layout(&[named("Arena")]).unwrap().sections[2].name, "Arena");
    assert_eq!(plan.layout(&[named(" ")]).unwrap().sections[2].name, "Pit");
    assert_eq!(plan.layout(&[named("Floor")]).unwrap().sections[2].name, "Floor (2)");
}

#[rstest]
#[case::unknown_area(&[StandingArea { area: "moon".into(), ..pit(1) }], "/0/area", Problem::UnknownArea { areas: 1 })]
#[case::same_area_twice(&[pit(1), pit(1)], "/1/area", Problem::DuplicateArea { first: 0 })]
#[case::unknown_category(&[StandingArea { category: "VIP".into(), ..pit(1) }], "/0/category", Problem::UnknownCategory { known: "`Near`, `Far`".into() })]
#[case::no_capacity(&[pit(0)], "/0/capacity", Problem::NoCapacity)]
#[case::too_many_places(&[pit(199_998)], "/0/capacity", Problem::TooManyPlaces)]
#[case::far_too_many_places(&[pit(u32::MAX)], "/0/capacity", Problem::TooManyPlaces)]
#[case::name_too_long(&[StandingArea { name: Some("x".repeat(201)), ..pit(1) }], "/0/name", Problem::NameTooLong)]
#[case::too_many_sections(&vec![pit(1); 1_001], "", Problem::TooManySections)]
fn a_wrong_standing_area_is_refused(#[case] standing: &[StandingArea], #[case] pointer: &str, #[case] problem: Problem) {
    let error = import(&small()).unwrap().layout(standing).unwrap_err();
    assert_eq!((error.pointer.as_str(), error.problem), (pointer, problem));
}

#[test]
fn an_event_holds_as_many_as_a_plan() {
    let layout = import(&small()).unwrap().layout(&[pit(199_997)]).unwrap();
    assert_eq!(layout.place_count(), MAX_SEATS);
}

#[test]
fn a_guid_stays_unique_in_the_event() {
    let plan = import(&with("/zones/0/rows/0/seats/1/seat_guid", json!("pit#2"))).unwrap();
    assert!(plan.layout(&[pit(1)]).is_ok());
    let error = plan.layout(&[pit(2)]).unwrap_err();
    assert_eq!((error.pointer.as_str(), error.problem), ("/0/area", Problem::GuidTaken { guid: "pit#2".into() }));
}

#[test]
fn a_plan_of_areas_alone_needs_a_standing_section() {
    let mut plan = small();
    for zone in plan["zones"].as_array_mut().unwrap() {
        zone["rows"] = json!([]);
    }
    let plan = import(&plan).unwrap();
    assert_eq!(plan.layout(&[]).unwrap_err().problem, Problem::NothingToSell);
    assert_eq!(plan.layout(&[pit(5)]).unwrap().place_count(), 5);
}

/// Guids by block, of the first row.
fn blocks(plan: &serde_json::Value) -> Vec<Vec<String>> {
    let layout = import(plan).unwrap().layout(&[]).unwrap();
    let row: Vec<_> = layout.sections[0].seats.iter().filter(|seat| seat.row == 0).collect();
    let blocks = row.chunk_by(|a, b| a.block == b.block);
    blocks.map(|seats| seats.iter().map(|seat| seat.number.clone()).collect()).collect()
}

#[rstest]
#[case::no_gap(&[0.0, 25.0, 50.0, 75.0], "1 2 3 4")]
#[case::curved_by_a_few_percent(&[0.0, 25.0, 51.0, 78.0], "1 2 3 4")]
#[case::half_a_seat_of_clearance(&[0.0, 25.0, 62.5, 87.5], "1 2 3 4")]
#[case::a_seat_left_out(&[0.0, 25.0, 75.0, 100.0], "1 2|3 4")]
#[case::an_aisle_and_a_gap(&[0.0, 25.0, 90.0, 115.0, 140.0, 500.0], "1 2|3 4 5|6")]
#[case::pairs(&[0.0, 25.0, 75.0, 100.0, 150.0, 175.0], "1 2|3 4|5 6")]
#[case::all_far_apart(&[0.0, 60.0, 120.0, 180.0], "1 2 3 4")]
#[case::listed_from_the_right(&[75.0, 50.0, 25.0, 0.0], "1 2 3 4")]
#[case::odd_and_even_halves(&[100.0, 75.0, 125.0, 50.0, 150.0], "4 2 1 3 5")]
#[case::appended_on_the_left(&[25.0, 50.0, 75.0, 0.0], "4 1 2 3")]
#[case::all_at_one_point(&[5.0, 5.0, 5.0], "1 2 3")]
#[case::alone(&[5.0], "1")]
fn neighbours_are_those_side_by_side(#[case] xs: &[f64], #[case] expected: &str) {
    let expected: Vec<Vec<&str>> = expected.split('|').map(|block| block.split(' ').collect()).collect();
    assert_eq!(blocks(&row(xs)), expected);
}

#[test]
fn a_short_row_takes_its_sections_measure() {
    let long: Vec<(f64, f64)> = (0..8).map(|n| (f64::from(n) * 25.0, 0.0)).collect();
    assert_eq!(blocks(&rows(&[&[(0.0, 0.0), (175.0, 0.0)], &long])), [["1"], ["2"]]);
    assert_eq!(blocks(&rows(&[&[(0.0, 0.0), (175.0, 0.0)]])), [["1", "2"]]);
}

#[test]
fn rows_may_run_in_any_direction() {
    let down: Vec<(f64, f64)> = [0.0, 25.0, 100.0, 75.0].iter().map(|y| (0.0, *y)).collect();
    assert_eq!(blocks(&rows(&[&down])), [vec!["1", "2"], vec!["4", "3"]]);
    let slanted: Vec<(f64, f64)> = [3.0, 1.0, 2.0, 0.0].iter().map(|n| (n * 20.0, n * -15.0)).collect();
    assert_eq!(blocks(&rows(&[&slanted])), [["4", "2", "3", "1"]]);
}

#[test]
fn a_row_bent_to_a_horseshoe_or_round_a_table_stays_as_drawn() {
    let horseshoe: Vec<(f64, f64)> =
        (0..20).map(|n| PI * 1.5 * f64::from(n) / 19.0).map(|a| (200.0 * a.cos(), 200.0 * a.sin())).collect();
    let numbers: Vec<String> = (1..=20).map(|n| n.to_string()).collect();
    assert_eq!(blocks(&rows(&[&horseshoe])), [numbers]);
    // Beer benches: a table's two sides in turn.
    let table: Vec<(f64, f64)> = (0..8).map(|n| (f64::from(n % 2) * 60.0, f64::from(n / 2) * 25.0)).collect();
    assert_eq!(blocks(&rows(&[&table])).concat().len(), 8);
}
