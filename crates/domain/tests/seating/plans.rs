//! Plans that the tests start from.

use goticket_domain::seating::{PlanError, SeatingPlan};
use serde_json::{Value, json};

pub(crate) const THEATRE: &[u8] = include_bytes!("../../plans/theatre.json");

/// Two zones, three seats, an area: small, and nothing is wrong with it.
pub(crate) fn small() -> Value {
    json!({
        "name": "Club",
        "size": { "width": 400, "height": 300 },
        "categories": [{ "name": "Near", "color": "#ff0000" }, { "name": "Far", "color": "#00ff00" }],
        "zones": [
            {
                "name": "Floor", "zone_id": "floor", "position": { "x": 100, "y": 50 },
                "rows": [{
                    "row_number": "A", "row_label": "Row %s", "position": { "x": 10, "y": 5 },
                    "seats": [
                        { "seat_guid": "a1", "seat_number": "1", "position": { "x": 0, "y": 0 }, "category": "Near" },
                        { "seat_guid": "a2", "seat_number": "2", "position": { "x": 25, "y": 0 }, "category": "Near" },
                    ],
                }],
                "areas": [{
                    "uuid": "pit", "shape": "rectangle", "position": { "x": 1, "y": 2 },
                    "rectangle": { "width": 30, "height": 20 }, "text": { "text": "Pit", "position": { "x": 15, "y": 10 } },
                }],
            },
            {
                "name": "Balcony", "position": { "x": 0, "y": 200 },
                "rows": [{
                    "row_number": "A",
                    "seats": [{ "seat_guid": "b1", "seat_number": "1", "position": { "x": 0, "y": 0 }, "category": "Far" }],
                }],
            },
        ],
    })
}

pub(crate) fn import(plan: &Value) -> Result<SeatingPlan, PlanError> {
    SeatingPlan::from_json(plan.to_string().as_bytes())
}

/// The small plan with the property at `pointer` set to `value`; one that is not there yet is added.
pub(crate) fn with(pointer: &str, value: Value) -> Value {
    let mut plan = small();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match plan.pointer_mut(parent).unwrap() {
        Value::Object(object) => drop(object.insert(key.to_owned(), value)),
        Value::Array(list) => list[key.parse::<usize>().unwrap()] = value,
        other => panic!("{parent} is {other}"),
    }
    plan
}

/// The small plan without the property at `pointer`.
pub(crate) fn without(pointer: &str) -> Value {
    let mut plan = small();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    plan.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap();
    plan
}

/// One row of one zone, a seat per x position, guids and numbers `1..`.
pub(crate) fn row(xs: &[f64]) -> Value {
    let positions: Vec<(f64, f64)> = xs.iter().map(|x| (*x, 0.0)).collect();
    rows(&[&positions])
}

/// One zone, a row per list of positions; guids are `row-seat`.
pub(crate) fn rows(rows: &[&[(f64, f64)]]) -> Value {
    let seat = |row: usize, index: usize, (x, y): (f64, f64)| {
        json!({
            "seat_guid": format!("{}-{}", row + 1, index + 1), "seat_number": index + 1,
            "position": { "x": x, "y": y }, "category": "Any",
        })
    };
    let rows: Vec<Value> = rows
        .iter()
        .enumerate()
        .map(|(no, seats)| {
            let seats: Vec<Value> = seats.iter().enumerate().map(|(index, position)| seat(no, index, *position)).collect();
            json!({ "row_number": no + 1, "position": { "x": 0, "y": 30 * no }, "seats": seats })
        })
        .collect();
    json!({ "name": "Rows", "categories": [{ "name": "Any" }], "zones": [{ "position": { "x": 0, "y": 0 }, "rows": rows }] })
}
