//! What editors write beside the schema, and is accepted.

use goticket_domain::seating::{RowNumberPosition, SeatingPlan, Shape};
use rstest::rstest;
use serde_json::{Value, json};

use crate::plans::{import, row, rows, small, with, without};

const SEAT: &str = "/zones/0/rows/0/seats/1";

#[rstest]
#[case::fraction(json!(12.5), 12.5)]
#[case::integer(json!(-12), -12.0)]
#[case::text(json!(" 12.5 "), 12.5)]
#[case::exponent(json!(1.25e1), 12.5)]
fn a_position_may_be_written_in_many_ways(#[case] x: Value, #[case] expected: f64) {
    let plan = import(&with(&format!("{SEAT}/position/x"), x)).unwrap();
    assert!((plan.sections[0].rows[0].seats[1].x - (110.0 + expected)).abs() < 1e-9);
}

#[rstest]
#[case::text("/row_number", json!("12"), "Row 12")]
#[case::number("/row_number", json!(12), "Row 12")]
#[case::fraction("/row_number", json!(1.5), "Row 1.5")]
#[case::white_space("/row_number", json!("  A\t1 "), "Row A 1")]
#[case::missing("/row_number", json!(null), "Row 1")]
#[case::empty("/row_number", json!(""), "Row 1")]
#[case::no_label("/row_label", json!(null), "A")]
#[case::empty_label("/row_label", json!(""), "A")]
#[case::label_without_pattern("/row_label", json!("Front row"), "Front row")]
#[case::label_with_two_patterns("/row_label", json!("%s / %s"), "A / A")]
fn rows_get_a_label(#[case] property: &str, #[case] value: Value, #[case] label: &str) {
    let plan = import(&with(&format!("/zones/0/rows/0{property}"), value)).unwrap();
    assert_eq!(plan.sections[0].rows[0].label, label);
}

#[test]
fn a_row_without_number_gets_one_that_is_free() {
    let mut plan = rows(&[&[(0.0, 0.0)], &[(0.0, 0.0)], &[(0.0, 0.0)]]);
    plan["zones"][0]["rows"][0]["row_number"] = json!("2");
    plan["zones"][0]["rows"][1].as_object_mut().unwrap().remove("row_number");
    plan["zones"][0]["rows"][2]["row_number"] = json!("B");
    let plan = import(&plan).unwrap();
    let numbers: Vec<_> = plan.sections[0].rows.iter().map(|row| row.number.as_str()).collect();
    assert_eq!(numbers, ["2", "#2", "B"]);
}

#[rstest]
#[case::number(json!(7), "7")]
#[case::letters(json!("7a"), "7a")]
#[case::unknown_to_the_editor(json!("?"), "?")]
#[case::empty_counts_along(json!(""), "2")]
fn a_seat_number_is_whatever_is_shown(#[case] number: Value, #[case] expected: &str) {
    let plan = import(&with(&format!("{SEAT}/seat_number"), number)).unwrap();
    assert_eq!(plan.sections[0].rows[0].seats[1].number, expected);
}

#[test]
fn large_numbers_as_guid_are_told_apart() {
    let mut plan = with(&format!("{SEAT}/seat_guid"), json!(9_007_199_254_740_993_u64));
    plan["zones"][0]["rows"][0]["seats"][0]["seat_guid"] = json!(9_007_199_254_740_992_u64);
    assert_eq!(import(&plan).unwrap().sections[0].rows[0].seats[1].guid, "9007199254740993");
}

#[rstest]
#[case::size("/size")]
#[case::zone_name("/zones/0/name")]
#[case::zone_id("/zones/0/zone_id")]
#[case::areas("/zones/0/areas")]
#[case::row_label("/zones/0/rows/0/row_label")]
#[case::row_position("/zones/0/rows/0/position")]
#[case::colour("/categories/0/color")]
#[case::area_position("/zones/0/areas/0/position")]
#[case::area_uuid("/zones/0/areas/0/uuid")]
#[case::area_shape("/zones/0/areas/0/shape")]
#[case::area_text("/zones/0/areas/0/text")]
fn what_is_optional_may_be_null_or_missing(#[case] pointer: &str) {
    assert_eq!(import(&without(pointer)).unwrap().seat_count(), 3);
    assert_eq!(import(&with(pointer, Value::Null)).unwrap().seat_count(), 3);
}

#[rstest]
#[case("/version")]
#[case("/zones/0/displayed")]
#[case("/zones/0/_editor_id")]
#[case("/zones/0/rows/0/seats_spacing")]
#[case("/zones/0/rows/0/seats/1/status")]
#[case("/zones/0/rows/0/seats/1/start_angle")]
#[case("/zones/0/areas/0/roundTable")]
fn what_is_unknown_is_ignored(#[case] pointer: &str) {
    let unknown = json!({ "anything": [1, { "x": null }], "seat_guid": "a1" });
    assert_eq!(import(&with(pointer, unknown)).unwrap(), import(&small()).unwrap());
}

#[rstest]
#[case::hidden_outline("/zones/0/displayed", json!(false))]
#[case::shared_uuid("/zones/0/rows/0/seats/1/uuid", json!("pit"))]
#[case::no_row_number("/zones/0/rows/0/row_number_position", json!(""))]
fn seats_stay_for_sale(#[case] pointer: &str, #[case] value: Value) {
    assert_eq!(import(&with(pointer, value)).unwrap().seat_count(), 3);
}

#[rstest]
#[case(json!("start"), RowNumberPosition::Start)]
#[case(json!("right"), RowNumberPosition::End)]
#[case(json!("both"), RowNumberPosition::Both)]
#[case(json!(7), RowNumberPosition::Hidden)]
fn row_numbers_are_drawn_where_asked(#[case] value: Value, #[case] expected: RowNumberPosition) {
    let plan = import(&with("/zones/0/rows/0/row_number_position", value)).unwrap();
    assert_eq!(plan.sections[0].rows[0].number_position, expected);
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let json = format!("\u{feff}{}", small());
    assert_eq!(SeatingPlan::from_json(json.as_bytes()).unwrap(), import(&small()).unwrap());
}

#[test]
fn a_plan_wrapped_by_the_api_is_unwrapped() {
    let wrapped = json!({ "id": 2, "name": "Club", "layout": small() });
    assert_eq!(import(&wrapped).unwrap(), import(&small()).unwrap());
    let wrapped = json!({ "id": 2, "layout": with("/zones/0/rows/0/seats/1/seat_guid", json!("a1")) });
    let error = import(&wrapped).unwrap_err();
    assert_eq!(error.pointer, "/layout/zones/0/rows/0/seats/1/seat_guid");
    assert!(error.to_string().contains("/layout/zones/0/rows/0/seats/0/seat_guid"), "{error}");
}

#[rstest]
#[case::no_category_declared(json!([]), "General")]
#[case::one_category(json!([{ "name": "All" }]), "All")]
fn seats_without_category_get_the_only_one(#[case] categories: Value, #[case] expected: &str) {
    let mut plan = row(&[0.0, 25.0]);
    plan["categories"] = categories;
    for seat in plan["zones"][0]["rows"][0]["seats"].as_array_mut().unwrap() {
        seat["category"] = json!("");
    }
    let plan = import(&plan).unwrap();
    assert_eq!(plan.categories[plan.sections[0].rows[0].seats[0].category].name, expected);
}

#[test]
fn zones_of_one_name_make_sections_that_can_be_told_apart() {
    let mut plan = with("/zones/1/name", json!("Floor"));
    let mut third = plan["zones"][1].clone();
    third["name"] = json!("Floor (2)");
    third["rows"][0]["seats"][0]["seat_guid"] = json!("c1");
    plan["zones"].as_array_mut().unwrap().push(third);
    let names: Vec<_> = import(&plan).unwrap().sections.into_iter().map(|section| section.name).collect();
    assert_eq!(names, ["Floor", "Floor (2)", "Floor (2) (2)"]);
}

#[rstest]
#[case::by_id(json!({ "zone_id": "floor" }), "floor")]
#[case::by_place(json!({}), "Zone 1")]
#[case::empty_name(json!({ "name": " ", "zone_id": 5 }), "5")]
fn a_zone_without_name_is_called_by_its_id_or_place(#[case] properties: Value, #[case] expected: &str) {
    let mut plan = row(&[0.0]);
    plan["zones"][0].as_object_mut().unwrap().extend(properties.as_object().unwrap().clone());
    assert_eq!(import(&plan).unwrap().sections[0].name, expected);
}

#[test]
fn a_row_number_may_return_in_another_zone_and_in_its_own() {
    let mut plan = rows(&[&[(0.0, 0.0)], &[(50.0, 0.0)]]);
    plan["zones"][0]["rows"][1]["row_number"] = json!("1");
    assert_eq!(import(&plan).unwrap().sections[0].rows.len(), 2);
    assert_eq!(import(&small()).unwrap().sections[1].rows[0].number, "A");
}

#[test]
fn empty_zones_and_rows_make_no_sections() {
    let mut plan = small();
    let zones = plan["zones"].as_array_mut().unwrap();
    zones.insert(0, json!({ "name": "Nothing", "position": { "x": 0, "y": 0 }, "rows": [] }));
    zones[1]["rows"].as_array_mut().unwrap().push(json!({ "row_number": "Z", "seats": [] }));
    let plan = import(&plan).unwrap();
    assert_eq!(plan.sections.len(), 2);
    assert_eq!(plan.sections[0].rows.len(), 1);
}

#[rstest]
#[case::ten_after_nine(&["1", "10", "9"], &["1", "9", "10"])]
#[case::bottom_up(&["3", "2", "1"], &["1", "2", "3"])]
#[case::letters_bottom_up(&["AA", "Z", "C", "A"], &["A", "C", "Z", "AA"])]
#[case::letters_as_drawn(&["AA", "A", "B"], &["AA", "A", "B"])]
#[case::words_as_drawn(&["Box 2", "Box 1"], &["Box 2", "Box 1"])]
fn the_front_row_comes_first(#[case] file: &[&str], #[case] expected: &[&str]) {
    let places: Vec<&[(f64, f64)]> = file.iter().map(|_| [(0.0, 0.0)].as_slice()).collect();
    let mut plan = rows(&places);
    for (row, number) in plan["zones"][0]["rows"].as_array_mut().unwrap().iter_mut().zip(file) {
        row["row_number"] = json!(number);
    }
    let numbers: Vec<_> = import(&plan).unwrap().sections[0].rows.iter().map(|row| row.number.clone()).collect();
    assert_eq!(numbers, expected);
}

#[rstest]
#[case::rectangle(json!({ "shape": "rectangle", "rectangle": { "width": 3, "height": "4" } }), Shape::Rectangle { width: 3.0, height: 4.0 })]
#[case::before_there_were_shapes(json!({ "width": 3, "height": 4, "text": "Bar" }), Shape::Rectangle { width: 3.0, height: 4.0 })]
#[case::circle(json!({ "shape": "circle", "circle": { "radius": 5.5 } }), Shape::Circle { radius: 5.5 })]
#[case::ellipse(json!({ "shape": "ellipse", "ellipse": { "radius": { "x": 1, "y": 2 } } }), Shape::Ellipse { radius_x: 1.0, radius_y: 2.0 })]
#[case::round_ellipse(json!({ "shape": "ellipse", "ellipse": { "radius": 2 } }), Shape::Ellipse { radius_x: 2.0, radius_y: 2.0 })]
#[case::polygon(json!({ "polygon": { "points": [{ "x": 0, "y": 1 }, { "x": 2, "y": 3 }] } }), Shape::Polygon { points: vec![(0.0, 1.0), (2.0, 3.0)] })]
#[case::text(json!({ "shape": "text", "text": { "text": "Bar" } }), Shape::Text)]
#[case::sizes_missing(json!({ "shape": "circle" }), Shape::Circle { radius: 0.0 })]
#[case::unknown(json!({ "shape": "roundTable" }), Shape::Other)]
#[case::nothing_at_all(json!({}), Shape::Other)]
fn every_shape_is_an_area(#[case] area: Value, #[case] expected: Shape) {
    let plan = import(&with("/zones/0/areas/0", area)).unwrap();
    assert_eq!(plan.areas[0].shape, expected);
    assert_eq!(plan.areas[0].id, "/zones/0/areas/0");
}

#[rstest]
#[case::plain(json!("Bar"), "Bar", 16.0)]
#[case::object(json!({ "text": "Bar", "size": 20, "position": { "x": 1, "y": 2 } }), "Bar", 20.0)]
#[case::number(json!({ "text": 1 }), "1", 16.0)]
#[case::markup_stays_text(json!("<b>\u{7}Bar"), "<b> Bar", 16.0)]
fn text_is_a_text_or_an_object(#[case] text: Value, #[case] expected: &str, #[case] size: f64) {
    let plan = import(&with("/zones/0/areas/0/text", text)).unwrap();
    let text = plan.areas[0].text.as_ref().unwrap();
    assert_eq!((text.text.as_str(), text.size), (expected, size));
    assert_eq!(plan.areas[0].label, expected);
}

#[rstest]
#[case(json!("#a1B2c3"), Some("#a1B2c3"))]
#[case(json!("rgba(1, 2, 3, 0.5)"), Some("rgba(1, 2, 3, 0.5)"))]
#[case(json!("red\" onload=\"alert(1)"), None)]
#[case(json!("url(//elsewhere)"), None)]
#[case(json!(12), Some("12"))]
#[case(json!({}), None)]
fn a_colour_is_a_colour_or_none(#[case] color: Value, #[case] expected: Option<&str>) {
    let plan = import(&with("/zones/0/areas/0/color", color.clone())).unwrap();
    assert_eq!(plan.areas[0].color.as_deref(), expected);
    let plan = import(&with("/categories/0/color", color)).unwrap();
    assert_eq!(plan.categories[0].color, expected.unwrap_or("#1976d2"));
}

#[test]
fn areas_that_share_a_uuid_keep_ids_of_their_own() {
    let area = small()["zones"][0]["areas"][0].clone();
    let plan = import(&with("/zones/1/areas", json!([area]))).unwrap();
    let ids: Vec<_> = plan.areas.iter().map(|area| area.id.as_str()).collect();
    assert_eq!(ids, ["pit", "/zones/1/areas/0"]);
}

#[rstest]
#[case::missing(json!(null))]
#[case::never_set(json!({ "width": 0, "height": 0 }))]
fn a_plan_without_size_is_as_large_as_what_is_on_it(#[case] size: Value) {
    let plan = import(&with("/size", size)).unwrap();
    // The second seat at 100 + 10 + 25 with its radius, and the balcony's at 200.
    assert_eq!((plan.size.width, plan.size.height), (145.0, 210.0));
}

#[test]
fn a_plan_of_areas_alone_can_be_imported() {
    let mut plan = small();
    for zone in plan["zones"].as_array_mut().unwrap() {
        zone["rows"] = json!([]);
    }
    let plan = import(&plan).unwrap();
    assert_eq!((plan.seat_count(), plan.areas.len()), (0, 1));
}
