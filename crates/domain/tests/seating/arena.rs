//! Arenas that are made up.

use std::collections::BTreeSet;

use goticket_domain::seating::{StandingArea, generate_arena};
use rstest::rstest;

use crate::plans::import;

#[rstest]
#[case(1)]
#[case(4)]
#[case(499)]
#[case(501)]
#[case(2_000)]
#[case(50_000)]
fn an_arena_has_exactly_the_seats_asked_for(#[case] seats: u32) {
    let plan = import(&generate_arena(seats)).unwrap();
    assert_eq!(plan.seat_count(), seats as usize);
    assert_eq!(plan.sections.len(), seats.div_ceil(500) as usize);
    let layout = plan.layout(&[]).unwrap();
    assert!(layout.sections.iter().all(|section| section.seats.len() <= 500));
    // Nobody parts a row that has no aisle.
    assert!(layout.sections.iter().flat_map(|section| &section.seats).all(|seat| seat.block == 0));
}

#[test]
fn the_largest_arena_is_one_that_can_be_imported() {
    let json = generate_arena(200_000).to_string();
    let plan = goticket_domain::seating::SeatingPlan::from_json(json.as_bytes()).unwrap();
    assert_eq!(plan.layout(&[]).unwrap().place_count(), 200_000);
}

#[test]
fn a_number_out_of_range_is_brought_into_it() {
    assert_eq!(import(&generate_arena(0)).unwrap().seat_count(), 1);
}

#[test]
fn the_same_number_gives_the_same_arena() {
    assert_eq!(generate_arena(1_234), generate_arena(1_234));
}

#[test]
fn all_four_categories_are_there_and_seats_stand_apart_on_the_canvas() {
    let plan = import(&generate_arena(12_000)).unwrap();
    let seats: Vec<_> = plan.sections.iter().flat_map(|section| &section.rows).flat_map(|row| &row.seats).collect();
    assert_eq!(seats.iter().map(|seat| seat.category).collect::<BTreeSet<_>>(), BTreeSet::from([0, 1, 2, 3]));
    assert!(seats.iter().all(|seat| (0.0..plan.size.width).contains(&seat.x) && (0.0..plan.size.height).contains(&seat.y)));
    #[expect(clippy::cast_possible_truncation)]
    let cells: BTreeSet<(i64, i64)> = seats.iter().map(|seat| ((seat.x / 10.0) as i64, (seat.y / 10.0) as i64)).collect();
    assert_eq!(cells.len(), seats.len(), "no two seats within ten pixels' cell");
}

#[test]
fn its_floor_can_be_sold_standing() {
    let plan = import(&generate_arena(500)).unwrap();
    let floor = StandingArea { area: "floor".into(), category: "Standard".into(), name: None, capacity: 100 };
    assert_eq!(plan.layout(&[floor]).unwrap().place_count(), 600);
}
