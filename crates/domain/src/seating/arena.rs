//! A made-up arena of any size, for rehearsals and benchmarks.

use std::f64::consts::{PI, TAU};

use serde_json::{Value, json};

use super::limits::MAX_SEATS;

const SECTION_SEATS: u32 = 500;
const ROW_SEATS: u32 = 25;
const RING_ROWS: u32 = SECTION_SEATS / ROW_SEATS;
const SEAT_STEP: f64 = 24.0;
const ROW_STEP: f64 = 32.0;
/// Radius of the first row.
const FIELD_RADIUS: f64 = 1_000.0;
/// Width of the way between two sections, and depth of the one between two rings.
const WAY: f64 = 90.0;
/// Cheapest last. The nearer a row is to the field, the dearer it is.
const CATEGORIES: [(&str, &str); 4] =
    [("Premium", "#7b1fa2"), ("Standard", "#1976d2"), ("Value", "#388e3c"), ("Saver", "#f57c00")];

/// A plan in the pretix seating-plan format of an arena with exactly `seats` seats, clamped to 1..=[`MAX_SEATS`].
///
/// Sections of at most 500 seats stand in rings around the field, with curved rows of at most 25 seats and four categories
/// by distance. Two areas, a stage and a floor, can be made standing sections. The same number gives the same plan.
pub fn generate_arena(seats: u32) -> Value {
    let seats = seats.clamp(1, u32::try_from(MAX_SEATS).unwrap_or(u32::MAX));
    let sections = seats.div_ceil(SECTION_SEATS);
    let rings = rings(sections);
    let ring_count = u32::try_from(rings.len()).unwrap_or(u32::MAX);
    let mut zones = vec![field_zone()];
    for (ring, (first, count)) in (0_u32..).zip(&rings) {
        for index in 0..*count {
            let section = Section { ring, rings: ring_count, index, of: *count, seats: share(seats, sections, first + index) };
            zones.push(section.zone());
        }
    }
    let size = 2.0 * centre(ring_count);
    json!({
        "name": format!("Arena with {seats} seats"),
        "size": { "width": size, "height": size },
        "categories": CATEGORIES.map(|(name, color)| json!({ "name": name, "color": color })),
        "zones": centred(zones, centre(ring_count)),
    })
}

/// The first section and the number of sections of each ring: as many as fit side by side, the last ring takes the rest.
fn rings(sections: u32) -> Vec<(u32, u32)> {
    let mut rings = Vec::new();
    let mut first = 0;
    while first < sections {
        let ring = u32::try_from(rings.len()).unwrap_or(u32::MAX);
        let width = f64::from(ROW_SEATS) * SEAT_STEP + WAY;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a ring holds a few dozen sections")]
        let fit = (TAU * ring_radius(ring) / width).floor() as u32;
        let count = fit.clamp(1, sections - first);
        rings.push((first, count));
        first += count;
    }
    rings
}

/// The radius of a ring's first row.
fn ring_radius(ring: u32) -> f64 {
    FIELD_RADIUS + f64::from(ring) * (f64::from(RING_ROWS) * ROW_STEP + WAY)
}

/// The centre of the field, from either edge of the canvas.
fn centre(rings: u32) -> f64 {
    ring_radius(rings).ceil()
}

/// The `index`th of `parts` parts of `whole` that differ by at most one.
fn share(whole: u32, parts: u32, index: u32) -> u32 {
    whole / parts + u32::from(index < whole % parts)
}

struct Section {
    ring: u32,
    rings: u32,
    index: u32,
    of: u32,
    seats: u32,
}

impl Section {
    fn zone(&self) -> Value {
        let name = (self.ring + 1) * 100 + self.index + 1;
        let rows = self.seats.div_ceil(ROW_SEATS);
        let rows: Vec<Value> = (0..rows).map(|row| self.row(name, row, share(self.seats, rows, row))).collect();
        json!({
            "name": format!("Section {name}"),
            "zone_id": name.to_string(),
            "position": { "x": 0, "y": 0 },
            "rows": rows,
            "areas": [],
        })
    }

    fn row(&self, name: u32, row: u32, seats: u32) -> Value {
        let radius = ring_radius(self.ring) + f64::from(row) * ROW_STEP;
        // The first section looks at the stage from opposite, below the field; the others follow clockwise.
        let middle = PI / 2.0 + TAU * f64::from(self.index) / f64::from(self.of);
        let depth = self.ring * RING_ROWS + row;
        let (category, _) = CATEGORIES[(4 * depth / (self.rings * RING_ROWS)) as usize];
        let seats: Vec<Value> = (0..seats)
            .map(|seat| {
                let offset = (f64::from(seat) - f64::from(seats - 1) / 2.0) * SEAT_STEP;
                let angle = middle - offset / radius;
                json!({
                    "seat_guid": format!("{name}-{}-{}", row + 1, seat + 1),
                    "seat_number": (seat + 1).to_string(),
                    "position": { "x": round(radius * angle.cos()), "y": round(radius * angle.sin()) },
                    "category": category,
                    "radius": 10,
                })
            })
            .collect();
        json!({
            "row_number": (row + 1).to_string(),
            "row_label": "Row %s",
            "row_number_position": "both",
            "position": { "x": 0, "y": 0 },
            "seats": seats,
        })
    }
}

fn field_zone() -> Value {
    let area = |id: &str, text: &str, color: &str, y: f64, height: f64| {
        json!({
            "uuid": id, "shape": "rectangle", "color": color, "border_color": "#616161", "rotation": 0,
            "position": { "x": -500, "y": y },
            "rectangle": { "width": 1000, "height": height },
            "text": { "text": text, "position": { "x": 500, "y": height / 2.0 }, "size": 48, "color": "#212121" },
        })
    };
    json!({
        "name": "Field", "zone_id": "field", "position": { "x": 0, "y": 0 }, "rows": [],
        "areas": [area("stage", "Stage", "#bdbdbd", -600.0, 200.0), area("floor", "Floor", "#eceff1", -350.0, 900.0)],
    })
}

/// Zones are made around the origin; this moves them to the middle of the canvas.
fn centred(mut zones: Vec<Value>, centre: f64) -> Vec<Value> {
    for zone in &mut zones {
        zone["position"] = json!({ "x": centre, "y": centre });
    }
    zones
}

fn round(pixels: f64) -> f64 {
    (pixels * 100.0).round() / 100.0
}
