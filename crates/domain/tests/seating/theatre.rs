//! The theatre: a plan as editors write them, with their quirks.

use std::collections::BTreeMap;

use goticket_domain::seating::{Layout, LayoutSection, RowNumberPosition, SeatingPlan, SectionSeats, Shape};
use rstest::rstest;

use crate::plans::THEATRE;

fn theatre() -> SeatingPlan {
    SeatingPlan::from_json(THEATRE).unwrap()
}

fn layout() -> Layout {
    theatre().layout(&[]).unwrap()
}

fn section<'a>(layout: &'a Layout, name: &str) -> &'a LayoutSection {
    layout.sections.iter().find(|section| section.name == name).unwrap()
}

#[test]
fn its_counts_come_out_right() {
    let plan = theatre();
    assert_eq!(plan.name, "Old Exchange Theatre");
    assert_eq!((plan.size.width, plan.size.height), (1240.0, 1480.0));
    assert_eq!(plan.seat_count(), 1_211);
    assert_eq!(plan.sections.iter().map(|section| section.rows.len()).sum::<usize>(), 40);
    let seats = |section: &goticket_domain::seating::Section| section.rows.iter().map(|row| row.seats.len()).sum::<usize>();
    let sections: Vec<_> = plan.sections.iter().map(|section| (section.name.as_str(), seats(section))).collect();
    assert_eq!(sections, [("Stalls", 622), ("Circle", 320), ("Balcony", 245), ("Boxes", 24)]);
    assert_eq!(plan.sections[0].zone_id.as_deref(), Some("stalls"));
}

#[test]
fn its_categories_come_out_right() {
    let plan = theatre();
    let mut counts = BTreeMap::new();
    for seat in plan.sections.iter().flat_map(|section| &section.rows).flat_map(|row| &row.seats) {
        *counts.entry(plan.categories[seat.category].name.as_str()).or_insert(0) += 1;
    }
    let expected =
        [("Premium", 207), ("Standard", 589), ("Saver", 391), ("Restricted view", 14), ("Wheelchair and companion", 10)];
    assert_eq!(counts, BTreeMap::from(expected));
    assert_eq!(plan.categories[0].color, "#7b1fa2");
}

#[rstest]
#[case("Stalls", 0, 0, "stalls-A-1", 620.0 - 350.0, 160.0 - 22.05)]
#[case("Stalls", 18, 9, "stalls-W-10", 620.0 + 162.5, 160.0 + 561.25)]
#[case("Circle", 1, 39, "circle-B-40", 620.0 + 512.5, 800.5 + 31.0 - 68.29)]
#[case("Boxes", 5, 0, "boxes-Box 6-1", 60.0 - 37.5, 180.0 + 480.0)]
fn positions_are_absolute(
    #[case] section: &str,
    #[case] row: usize,
    #[case] seat: usize,
    #[case] guid: &str,
    #[case] x: f64,
    #[case] y: f64,
) {
    let plan = theatre();
    let section = plan.sections.iter().find(|candidate| candidate.name == section).unwrap();
    let seat = &section.rows[row].seats[seat];
    assert_eq!(seat.guid, guid);
    assert!((seat.x - x).abs() < 1e-9 && (seat.y - y).abs() < 1e-9, "{seat:?}");
}

#[test]
fn rows_are_labelled_as_on_the_ticket() {
    let plan = theatre();
    let labels = |section: usize| plan.sections[section].rows.iter().map(|row| row.label.as_str()).collect::<Vec<_>>();
    // No I, no O, and W for the wheelchairs.
    let stalls = ["A", "B", "C", "D", "E", "F", "G", "H", "J", "K", "L", "M", "N", "P", "Q", "R", "S", "T", "W"];
    assert_eq!(labels(0), stalls.map(|number| format!("Row {number}")));
    // The pattern is applied as it stands, also where it reads oddly.
    assert_eq!(labels(3)[0], "Row Box 1");
    assert_eq!(plan.sections[3].rows[0].number, "Box 1");
    assert_eq!(plan.sections[3].rows[0].number_position, RowNumberPosition::Hidden);
    assert_eq!(plan.sections[2].rows[0].number_position, RowNumberPosition::Start);
}

#[test]
fn areas_are_drawn_where_the_zone_puts_them() {
    let plan = theatre();
    let areas: Vec<_> = plan.areas.iter().map(|area| (area.label.as_str(), area.zone.as_str(), area.x, area.y)).collect();
    // The foyer's zone has no seats, and its area stands far below the canvas: the file says so.
    assert_eq!(areas, [("Stage", "Stalls", 320.0, 50.0), ("Bar", "Balcony", 620.0, 1380.0), ("Foyer", "Foyer", 620.0, 2840.0)]);
    assert_eq!(plan.areas[0].shape, Shape::Rectangle { width: 600.0, height: 70.0 });
    assert_eq!(plan.areas[1].shape, Shape::Text);
    assert_eq!(plan.areas[2].shape, Shape::Ellipse { radius_x: 200.0, radius_y: 30.0 });
    assert_eq!(plan.drawing["areas"][0]["x"], 320.0);
    assert_eq!(plan.drawing["areas"][0]["text"]["size"], 24.0);
    assert_eq!(plan.drawing["bounds"]["max_y"], 2870.0);
    // Both ends of 27 rows, the start of 7, nothing at the 6 boxes.
    assert_eq!(plan.drawing["row_labels"].as_array().unwrap().len(), 27 * 2 + 7);
}

/// Runs of neighbours by row, as the number of seats in each.
fn runs(section: &LayoutSection, row: u16) -> Vec<usize> {
    let seats: Vec<_> = section.seats.iter().filter(|seat| seat.row == row).collect();
    seats.chunk_by(|a, b| a.block == b.block).map(<[_]>::len).collect()
}

#[rstest]
#[case::centre_aisle("Stalls", 0, &[14, 14])]
#[case::centre_aisle_of_an_odd_row("Stalls", 1, &[14, 15])]
#[case::wheelchair_and_companion("Stalls", 18, &[2, 2, 2, 2, 2])]
#[case::two_aisles_in_a_deep_curve("Circle", 0, &[10, 20, 10])]
#[case::no_aisle("Balcony", 0, &[38])]
#[case::a_box("Boxes", 5, &[4])]
fn aisles_part_the_rows(#[case] name: &str, #[case] row: u16, #[case] expected: &[usize]) {
    assert_eq!(runs(section(&layout(), name), row), expected);
}

#[test]
fn places_are_numbered_without_a_gap() {
    let layout = layout();
    let places = layout.sections.iter().flat_map(|section| &section.seats);
    assert!(places.zip(0..).all(|(seat, no)| seat.no == no));
    assert_eq!(layout.place_count(), 1_211);
    let firsts: Vec<_> = layout.sections.iter().map(|section| (section.no, section.first_seat)).collect();
    assert_eq!(firsts, [(0, 0), (1, 622), (2, 942), (3, 1187)]);
}

/// The guids of the best seats while nothing is taken.
fn best(name: &str, quantity: usize, category: Option<&str>) -> Vec<String> {
    let layout = layout();
    let section = section(&layout, name);
    let category = category.map(|name| layout.categories.iter().position(|category| category.name == name).unwrap());
    let category = category.map(|index| u16::try_from(index).unwrap());
    let chosen = SectionSeats::new(section).best_available(|_| false, quantity, category).unwrap_or_default();
    chosen.iter().map(|no| section.seats[(no - section.first_seat) as usize].guid.clone()).collect()
}

#[rstest]
#[case::beside_the_centre_aisle("Stalls", 2, None, &["stalls-A-13", "stalls-A-14"])]
#[case::the_first_row_of_the_category("Stalls", 2, Some("Standard"), &["stalls-G-16", "stalls-G-17"])]
#[case::a_place_and_its_companion("Stalls", 2, Some("Wheelchair and companion"), &["stalls-W-5", "stalls-W-6"])]
#[case::no_three_wheelchair_places_together("Stalls", 3, Some("Wheelchair and companion"), &[])]
#[case::the_middle_of_the_circle("Circle", 2, None, &["circle-A-20", "circle-A-21"])]
#[case::behind_the_pillar("Balcony", 2, Some("Restricted view"), &["balcony-A-1", "balcony-A-2"])]
#[case::not_behind_the_pillar("Balcony", 36, Some("Saver"), &[])]
#[case::a_whole_box("Boxes", 4, Some("Premium"), &["boxes-Box 1-1", "boxes-Box 1-2", "boxes-Box 1-3", "boxes-Box 1-4"])]
#[case::no_group_across_boxes("Boxes", 5, None, &[])]
fn the_best_seats_are_the_ones_a_fan_would_pick(
    #[case] section: &str,
    #[case] quantity: usize,
    #[case] category: Option<&str>,
    #[case] expected: &[&str],
) {
    if expected.is_empty() && quantity == 36 {
        // All 36 saver seats of the first row, and none of the two behind the pillar beside them.
        assert_eq!(best(section, quantity, category), (3..=38).map(|n| format!("balcony-A-{n}")).collect::<Vec<_>>());
    } else {
        assert_eq!(best(section, quantity, category), expected);
    }
}
