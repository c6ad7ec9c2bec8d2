//! Every fault is refused with the pointer of where it is.

use goticket_domain::seating::{MAX_PLAN_BYTES, PlanProblem as Problem, SeatingPlan, limits};
use rstest::rstest;
use serde_json::{Value, json};

use crate::plans::{import, row, small, with, without};

const SEAT: &str = "/zones/0/rows/0/seats/1";

fn at(tail: &str) -> String {
    format!("{SEAT}{tail}")
}

/// Checks where a plan is refused and how the message begins.
#[track_caller]
fn check(plan: &Value, pointer: &str, message: &str) {
    let error = import(plan).expect_err("the plan is refused");
    assert_eq!(error.pointer, pointer, "{error}");
    assert!(error.problem.to_string().starts_with(message), "{error}");
}

#[test]
fn the_small_plan_itself_is_accepted() {
    assert_eq!(import(&small()).unwrap().seat_count(), 3);
}

#[rstest]
#[case::plan_name("/name", "`name` is required")]
#[case::categories("/categories", "`categories` is required")]
#[case::category_name("/categories/1/name", "`name` is required")]
#[case::zones("/zones", "`zones` is required")]
#[case::zone_position("/zones/0/position", "`position` is required")]
#[case::zone_position_x("/zones/0/position/x", "`x` is required")]
#[case::rows("/zones/1/rows", "`rows` is required")]
#[case::row_position_half("/zones/0/rows/0/position/y", "`y` is required")]
#[case::seats("/zones/0/rows/0/seats", "`seats` is required")]
#[case::seat_guid("/zones/0/rows/0/seats/1/seat_guid", "`seat_guid` is required")]
#[case::seat_number("/zones/0/rows/0/seats/1/seat_number", "`seat_number` is required")]
#[case::seat_position("/zones/0/rows/0/seats/1/position", "`position` is required")]
#[case::seat_position_y("/zones/0/rows/0/seats/1/position/y", "`y` is required")]
#[case::seat_category("/zones/0/rows/0/seats/1/category", "`category` is required")]
fn what_is_required_is_missed(#[case] pointer: &str, #[case] message: &str) {
    check(&without(pointer), pointer, message);
    check(&with(pointer, Value::Null), pointer, message);
}

#[rstest]
#[case::plan_name("/name", json!([]), "found a list, expected a text")]
#[case::size("/size", json!(12), "found a number, expected an object")]
#[case::size_width("/size/width", json!(true), "found true or false, expected a number")]
#[case::categories("/categories", json!({}), "found an object, expected a list")]
#[case::category("/categories/0", json!("Near"), "found a text, expected an object")]
#[case::category_null("/categories/0", json!(null), "found null, expected an object")]
#[case::category_name("/categories/0/name", json!({}), "found an object, expected a text")]
#[case::zones("/zones", json!("x"), "found a text, expected a list")]
#[case::zone("/zones/1", json!([]), "found a list, expected an object")]
#[case::zone_null("/zones/1", json!(null), "found null, expected an object")]
#[case::zone_name("/zones/0/name", json!(false), "found true or false, expected a text")]
#[case::zone_position("/zones/0/position", json!([1, 2]), "found a list, expected an object")]
#[case::areas("/zones/0/areas", json!({}), "found an object, expected a list")]
#[case::area("/zones/0/areas/0", json!(7), "found a number, expected an object")]
#[case::area_position("/zones/0/areas/0/position", json!("left"), "found a text, expected an object")]
#[case::rows("/zones/0/rows", json!(1), "found a number, expected a list")]
#[case::row("/zones/0/rows/0", json!("A"), "found a text, expected an object")]
#[case::row_number("/zones/0/rows/0/row_number", json!(["A"]), "found a list, expected a text")]
#[case::row_label("/zones/0/rows/0/row_label", json!({}), "found an object, expected a text")]
#[case::seats("/zones/0/rows/0/seats", json!({}), "found an object, expected a list")]
#[case::seat("/zones/0/rows/0/seats/1", json!("a2"), "found a text, expected an object")]
#[case::seat_guid("/zones/0/rows/0/seats/1/seat_guid", json!({}), "found an object, expected a text")]
#[case::seat_number("/zones/0/rows/0/seats/1/seat_number", json!(true), "found true or false, expected a text")]
#[case::position("/zones/0/rows/0/seats/1/position", json!(3), "found a number, expected an object")]
#[case::x("/zones/0/rows/0/seats/1/position/x", json!([]), "found a list, expected a number")]
#[case::category_of_a_seat("/zones/0/rows/0/seats/1/category", json!([0]), "found a list, expected a text")]
fn another_type_is_refused(#[case] pointer: &str, #[case] value: Value, #[case] message: &str) {
    check(&with(pointer, value), pointer, message);
}

#[rstest]
#[case::words("middle")]
#[case::nothing("")]
#[case::not_a_number("NaN")]
#[case::infinite("-inf")]
#[case::beyond_doubles("1e999")]
#[case::decimal_comma("12,5")]
fn a_position_is_a_finite_number(#[case] x: &str) {
    check(&with(&at("/position/x"), json!(x)), &at("/position/x"), "`");
}

#[rstest]
#[case::seat("/zones/0/rows/0/seats/1/position/y", json!(1_000_001))]
#[case::negative("/zones/0/rows/0/position/x", json!(-1e300))]
#[case::zone("/zones/1/position/x", json!("9e9"))]
#[case::unsigned("/zones/1/position/x", json!(u64::MAX))]
#[case::area("/zones/0/areas/0/position/x", json!(2e6))]
#[case::size("/size/width", json!(1e12))]
fn a_position_stays_on_a_canvas(#[case] pointer: &str, #[case] value: Value) {
    let error = import(&with(pointer, value)).unwrap_err();
    assert_eq!(error.pointer, pointer);
    assert!(matches!(error.problem, Problem::OutOfRange { .. }), "{error}");
}

#[test]
fn one_guid_on_two_seats_is_refused_at_the_second() {
    let plan = with("/zones/1/rows/0/seats/0/seat_guid", json!("a2"));
    check(
        &plan,
        "/zones/1/rows/0/seats/0/seat_guid",
        "`a2` is already the guid of the seat at /zones/0/rows/0/seats/1/seat_guid:",
    );
    // A number and a text of the same digits are the same guid.
    let mut plan = with(&at("/seat_guid"), json!(7));
    plan["zones"][1]["rows"][0]["seats"][0]["seat_guid"] = json!("7");
    check(&plan, "/zones/1/rows/0/seats/0/seat_guid", "`7` is already the guid");
}

#[test]
fn one_name_on_two_categories_is_refused_at_the_second() {
    let plan = with("/categories/1/name", json!(" Near "));
    check(&plan, "/categories/1/name", "a category `Near` is already declared at /categories/0/name");
}

#[rstest]
#[case::unknown(json!("Middle"), "no category is called `Middle`: declare it under /categories, or use one of `Near`, `Far`")]
#[case::other_case(json!("near"), "no category is called `near`")]
#[case::number(json!(0), "no category is called `0`")]
#[case::empty_with_several_to_choose_from(json!(""), "the seat has no category: assign it one of `Near`, `Far`")]
fn a_seat_has_a_declared_category(#[case] category: Value, #[case] message: &str) {
    check(&with(&at("/category"), category), &at("/category"), message);
}

#[test]
fn an_unknown_category_is_refused_also_where_none_is_declared() {
    check(&with("/categories", json!([])), "/zones/0/rows/0/seats/0/category", "no category is called `Near`");
}

#[rstest]
#[case::guid("/zones/0/rows/0/seats/1/seat_guid", json!(""), "`seat_guid` is empty")]
#[case::blank_guid("/zones/0/rows/0/seats/1/seat_guid", json!("  "), "`seat_guid` is empty")]
#[case::guid_with_nul("/zones/0/rows/0/seats/1/seat_guid", json!("a\u{0}"), "the id has control characters")]
#[case::guid_with_newline("/zones/0/rows/0/seats/1/seat_guid", json!("a\nb"), "the id has control characters")]
#[case::category_name("/categories/0/name", json!(" "), "`name` is empty")]
fn an_id_is_something_to_print(#[case] pointer: &str, #[case] value: Value, #[case] message: &str) {
    check(&with(pointer, value), pointer, message);
}

#[rstest]
#[case::plan_name("/name", limits::MAX_NAME_CHARS)]
#[case::category("/categories/0/name", limits::MAX_NAME_CHARS)]
#[case::zone("/zones/0/name", limits::MAX_NAME_CHARS)]
#[case::zone_id("/zones/0/zone_id", limits::MAX_NAME_CHARS)]
#[case::row_number("/zones/0/rows/0/row_number", limits::MAX_NAME_CHARS)]
#[case::row_label("/zones/0/rows/0/row_label", limits::MAX_NAME_CHARS)]
#[case::seat_number("/zones/0/rows/0/seats/1/seat_number", limits::MAX_NAME_CHARS)]
#[case::seat_guid("/zones/0/rows/0/seats/1/seat_guid", limits::MAX_GUID_CHARS)]
#[case::area_text("/zones/0/areas/0/text/text", limits::MAX_AREA_TEXT_CHARS)]
#[case::area_plain_text("/zones/0/areas/0/text", limits::MAX_AREA_TEXT_CHARS)]
fn a_text_has_a_limit(#[case] pointer: &str, #[case] max: usize) {
    let problem = Problem::TextTooLong { chars: max + 1, max };
    let error = import(&with(pointer, json!("é".repeat(max + 1)))).unwrap_err();
    assert_eq!((error.pointer.as_str(), error.problem), (pointer, problem));
}

#[test]
fn a_label_has_its_limit_with_the_number_put_in() {
    let pointer = "/zones/0/rows/0/row_label";
    let mut plan = with(pointer, json!("%s".repeat(100)));
    assert!(import(&plan).is_ok());
    plan["zones"][0]["rows"][0]["row_number"] = json!("ABC");
    check(&plan, pointer, "the text has 300 characters and the limit is 200");
}

#[rstest]
#[case::no_zones(json!([]))]
#[case::empty_zones(json!([{ "position": { "x": 0, "y": 0 }, "rows": [], "areas": [] }]))]
#[case::rows_without_seats(json!([{ "position": { "x": 0, "y": 0 }, "rows": [{ "row_number": "A", "seats": [] }] }]))]
fn a_plan_has_something_to_sell(#[case] zones: Value) {
    check(&with("/zones", zones), "/zones", "the plan has no seats and no area");
}

#[rstest]
#[case::empty(b"", 1, 0)]
#[case::text(b"hello", 1, 1)]
#[case::cut_off(b"{\"name\": \"Club\",\n \"zones\": [", 2, 11)]
#[case::trailing_comma(b"{\"name\": \"Club\",}", 1, 17)]
#[case::two_documents(b"{\"name\": \"\"} {}", 1, 14)]
#[case::not_utf8(b"{\"name\": \"\xff\"}", 1, 11)]
#[case::number_beyond_doubles(b"{\"zones\":\n1e999}", 2, 5)]
fn malformed_json_is_refused_with_line_and_column(#[case] bytes: &[u8], #[case] line: usize, #[case] column: usize) {
    let error = SeatingPlan::from_json(bytes).unwrap_err();
    assert_eq!(error.pointer, "");
    let Problem::Syntax { line: found_line, column: found_column, .. } = error.problem else { panic!("{error}") };
    assert_eq!((found_line, found_column), (line, column), "{error}");
}

#[rstest]
#[case::a_list(b"[1]", "found a list, expected an object")]
#[case::a_text(b"\"plan\"", "found a text, expected an object")]
#[case::utf_16(b"\xFF\xFE{\0}\0", "the file is not UTF-8")]
#[case::utf_16_without_mark(b"{\0}\0", "the file is not UTF-8")]
#[case::property_twice(b"{\"name\": \"a\",\n\"name\": \"b\"}", "an object has one property twice at line 2")]
fn another_document_is_refused(#[case] bytes: &[u8], #[case] message: &str) {
    let error = SeatingPlan::from_json(bytes).unwrap_err();
    assert_eq!(error.pointer, "");
    assert!(error.to_string().starts_with(message), "{error}");
}

#[test]
fn a_file_beyond_the_limit_is_refused_before_it_is_read() {
    let bytes = vec![b'['; MAX_PLAN_BYTES + 1];
    let error = SeatingPlan::from_json(&bytes).unwrap_err();
    assert_eq!((error.pointer.as_str(), error.problem), ("", Problem::TooLarge { bytes: MAX_PLAN_BYTES + 1 }));
    // Exactly at the limit it is read.
    let mut bytes = small().to_string().into_bytes();
    bytes.resize(MAX_PLAN_BYTES, b' ');
    assert!(SeatingPlan::from_json(&bytes).is_ok());
}

#[test]
fn deep_nesting_is_refused_wherever_it_stands() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for json in [deep.clone(), format!("{{\"name\": \"x\", \"unknown\": {deep}}}")] {
        let error = SeatingPlan::from_json(json.as_bytes()).unwrap_err();
        assert_eq!((error.pointer.as_str(), error.problem), ("", Problem::TooDeep));
    }
    // Brackets in a text are no nesting, and neither ends at an escaped quotation mark.
    assert!(import(&with("/name", json!("[\"[\\".repeat(40)))).is_ok());
}

#[test]
fn a_flood_of_empty_objects_is_refused_before_it_takes_memory() {
    let flood = format!("{{\"zones\": [{}{{}}]}}", "{},".repeat(limits::MAX_VALUES));
    assert_eq!(SeatingPlan::from_json(flood.as_bytes()).unwrap_err().problem, Problem::TooManyValues);
}

#[test]
fn lists_have_limits() {
    let zone = json!({ "position": { "x": 0, "y": 0 }, "rows": [] });
    check(&with("/zones", json!(vec![zone; limits::MAX_ZONES + 1])), "/zones", "10001 zones and the limit is 10000");
    let empty_row = json!({ "row_number": "A", "seats": [] });
    let rows = json!(vec![empty_row; limits::MAX_ROWS_PER_ZONE + 1]);
    check(&with("/zones/1/rows", rows), "/zones/1/rows", "30001 rows");
    check(&with("/zones/1/areas", json!(vec![json!({}); limits::MAX_AREAS])), "/zones/1/areas", "20001 areas");
    let category = |n| json!({ "name": format!("C{n}") });
    let categories: Vec<Value> = (0..=limits::MAX_CATEGORIES).map(category).collect();
    check(&with("/categories", json!(categories)), "/categories", "1001 categories");
}

#[test]
fn seats_have_a_limit_and_the_first_beyond_is_named() {
    let xs: Vec<f64> = (0..=200_000).map(|n| f64::from(n) * 4.0).collect();
    let error = import(&row(&xs)).unwrap_err();
    assert_eq!((error.pointer.as_str(), error.problem), ("/zones/0/rows/0/seats/200000", Problem::TooManySeats));
    let plan = import(&row(&xs[..200_000])).unwrap();
    assert_eq!(plan.layout(&[]).unwrap().place_count(), 200_000);
}
