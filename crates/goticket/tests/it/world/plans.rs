//! Seating plans of the tests.

use serde_json::{Value, json};

/// The theatre that the demo sells.
pub const THEATRE: &str = include_str!("../../../../domain/plans/theatre.json");

/// Three sections with 120 seats: Stalls (6 rows of 10), Circle (5 rows of 11), Box (1 row of 5); three categories.
pub fn club() -> Value {
    let zone = |name: &str, y: u32, rows: u32, seats: u32| {
        let rows: Vec<Value> = (1..=rows).map(|row| one_row(name, row, seats)).collect();
        json!({ "name": name, "position": { "x": 0, "y": y }, "rows": rows })
    };
    json!({
        "name": "Harbour Club",
        "size": { "width": 400, "height": 600 },
        "categories": [
            { "name": "Premium", "color": "#7b1fa2" }, { "name": "Standard", "color": "#1976d2" }, { "name": "Saver", "color": "#388e3c" },
        ],
        "zones": [zone("Stalls", 0, 6, 10), zone("Circle", 250, 5, 11), zone("Box", 500, 1, 5)],
    })
}

fn one_row(zone: &str, row: u32, seats: u32) -> Value {
    let category = ["Premium", "Premium", "Standard"].get(row as usize - 1).unwrap_or(&"Saver");
    let seat = |number: u32| {
        json!({
            "seat_guid": format!("{zone}-{row}-{number}"), "seat_number": number.to_string(),
            "position": { "x": 25 * number, "y": 0 }, "category": category,
        })
    };
    let seats: Vec<Value> = (1..=seats).map(seat).collect();
    json!({ "row_number": row.to_string(), "position": { "x": 0, "y": 30 * row }, "seats": seats })
}

/// A row of ten seats, and a floor for people who stand (area `floor`).
pub fn hall() -> Value {
    json!({
        "name": "Dock Hall",
        "size": { "width": 400, "height": 300 },
        "categories": [{ "name": "Seat", "color": "#7b1fa2" }, { "name": "Floor", "color": "#1976d2" }],
        "zones": [{
            "name": "Gallery",
            "position": { "x": 0, "y": 0 },
            "rows": [{
                "row_number": "1",
                "position": { "x": 0, "y": 30 },
                "seats": (1..=10).map(|number| json!({
                    "seat_guid": format!("gallery-{number}"), "seat_number": number.to_string(),
                    "position": { "x": 25 * number, "y": 0 }, "category": "Seat",
                })).collect::<Vec<_>>(),
            }],
            "areas": [{
                "uuid": "floor", "shape": "rectangle", "position": { "x": 0, "y": 100 },
                "rectangle": { "width": 300, "height": 150 }, "text": "Floor",
            }],
        }],
    })
}
