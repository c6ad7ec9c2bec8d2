//! What a seat map draws besides the seats.

use serde_json::{Value, json};

use super::{Area, PlanSeat, Row, RowNumberPosition, Section, Shape, Size};

/// How far a row's number stands from the seat at its end, in radii of that seat.
const LABEL_DISTANCE: f64 = 2.5;

/// The smallest rectangle around everything.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    min: (f64, f64),
    max: (f64, f64),
}

impl Extent {
    fn cover(&mut self, x: f64, y: f64, half_width: f64, half_height: f64) {
        self.min = (self.min.0.min(x - half_width), self.min.1.min(y - half_height));
        self.max = (self.max.0.max(x + half_width), self.max.1.max(y + half_height));
    }

    /// A canvas from the origin that shows it.
    pub(super) fn size(&self) -> Size {
        Size { width: self.max.0.max(1.0).ceil(), height: self.max.1.max(1.0).ceil() }
    }
}

/// Rotation is left out: an area that is turned may stick out.
pub(super) fn extent(sections: &[Section], areas: &[Area]) -> Extent {
    let mut extent = Extent { min: (f64::INFINITY, f64::INFINITY), max: (f64::NEG_INFINITY, f64::NEG_INFINITY) };
    for seat in sections.iter().flat_map(|section| &section.rows).flat_map(|row| &row.seats) {
        extent.cover(seat.x, seat.y, seat.radius, seat.radius);
    }
    for Area { x, y, shape, .. } in areas {
        extent.cover(*x, *y, 0.0, 0.0);
        match shape {
            Shape::Rectangle { width, height } => extent.cover(x + width, y + height, 0.0, 0.0),
            Shape::Circle { radius } => extent.cover(*x, *y, *radius, *radius),
            Shape::Ellipse { radius_x, radius_y } => extent.cover(*x, *y, *radius_x, *radius_y),
            Shape::Polygon { points } => points.iter().for_each(|(dx, dy)| extent.cover(x + dx, y + dy, 0.0, 0.0)),
            Shape::Text | Shape::Other => {}
        }
    }
    extent
}

pub(super) fn drawing(size: Size, extent: Extent, sections: &[Section], areas: &[Area]) -> Value {
    let labels: Vec<Value> = sections.iter().flat_map(|section| &section.rows).flat_map(row_labels).collect();
    json!({
        "size": size,
        "bounds": { "min_x": extent.min.0, "min_y": extent.min.1, "max_x": extent.max.0, "max_y": extent.max.1 },
        "areas": areas,
        "row_labels": labels,
    })
}

fn row_labels(row: &Row) -> Vec<Value> {
    let (start, end) = match row.number_position {
        RowNumberPosition::Hidden => (false, false),
        RowNumberPosition::Start => (true, false),
        RowNumberPosition::End => (false, true),
        RowNumberPosition::Both => (true, true),
    };
    let (Some(first), Some(last)) = (row.seats.first(), row.seats.last()) else { return Vec::new() };
    let mut labels = Vec::with_capacity(2);
    if start {
        labels.push(label(&row.number, first, row.seats.get(1), -1.0));
    }
    if end {
        labels.push(label(&row.number, last, row.seats.iter().rev().nth(1), 1.0));
    }
    labels
}

/// Beyond `outer`, in the direction from its neighbour; where it has none, `side` says left (-1) or right (1).
fn label(text: &str, outer: &PlanSeat, inner: Option<&PlanSeat>, side: f64) -> Value {
    let direction = inner.map(|inner| (outer.x - inner.x, outer.y - inner.y));
    let (dx, dy) = direction.filter(|(dx, dy)| dx.hypot(*dy) > 0.0).unwrap_or((side, 0.0));
    let scale = LABEL_DISTANCE * outer.radius / dx.hypot(dy);
    let round = |value: f64| (value * 100.0).round() / 100.0;
    json!({ "text": text, "x": round(outer.x + dx * scale), "y": round(outer.y + dy * scale) })
}
