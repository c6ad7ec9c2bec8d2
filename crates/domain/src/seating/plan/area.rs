//! Areas: whatever is drawn that is not a seat. A stage, a bar, a label, or where people stand.

use std::collections::HashSet;

use serde::Serialize;

use super::{
    error::{PlanError, PlanProblem},
    field::Field,
    import::{Zone, css_color, limit, point},
    pointer::At,
    raw::{RawArea, RawPosition, RawText},
};
use crate::seating::limits::{MAX_AREA_TEXT_CHARS, MAX_AREAS, MAX_GUID_CHARS, MAX_NAME_CHARS};

/// The format's default size of a text.
const DEFAULT_TEXT_SIZE: f64 = 16.0;

/// Something drawn on the plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Area {
    /// Its uuid, or its JSON pointer where it has none or shares it.
    pub id: String,
    /// The zone it stands in.
    pub zone: String,
    /// What is written on it, or else the zone's name.
    pub label: String,
    /// Absolute position in pixels.
    pub x: f64,
    /// Absolute position in pixels, downwards.
    pub y: f64,
    /// Degrees clockwise around the position.
    pub rotation: f64,
    /// Fill, a CSS colour.
    pub color: Option<String>,
    /// Border, a CSS colour.
    pub border_color: Option<String>,
    /// What is written on it.
    pub text: Option<AreaText>,
    /// Its shape.
    #[serde(flatten)]
    pub shape: Shape,
}

/// Text on an area.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AreaText {
    /// The text: plain, never markup.
    pub text: String,
    /// Position relative to the area's.
    pub x: f64,
    /// Position relative to the area's, downwards.
    pub y: f64,
    /// Height of the letters in pixels.
    pub size: f64,
    /// A CSS colour.
    pub color: Option<String>,
}

/// The shape of an area, sizes in pixels, points relative to the area's position.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "shape", rename_all = "lowercase")]
pub enum Shape {
    /// From the position to the right and down.
    Rectangle {
        /// Width.
        width: f64,
        /// Height.
        height: f64,
    },
    /// Around the position.
    Circle {
        /// Radius.
        radius: f64,
    },
    /// Around the position.
    Ellipse {
        /// Horizontal radius.
        radius_x: f64,
        /// Vertical radius.
        radius_y: f64,
    },
    /// Along its points.
    Polygon {
        /// The points.
        points: Vec<(f64, f64)>,
    },
    /// Only its text.
    Text,
    /// A shape that the format does not know.
    Other,
}

/// Reads a zone's areas.
pub(super) fn import_areas(zone: &Zone<'_>, at: &At<'_>, areas: &mut Vec<Area>) -> Result<(), PlanError> {
    let list_at = at.key("areas");
    let list = zone.raw.areas.list(&list_at)?.unwrap_or_default();
    limit("areas", areas.len() + list.len(), MAX_AREAS, &list_at)?;
    let mut ids: HashSet<String> = areas.iter().map(|area| area.id.clone()).collect();
    for (index, raw) in list.iter().enumerate() {
        let at = list_at.index(index);
        let Some(raw) = raw.object(&at)? else {
            return Err(at.fault(PlanProblem::WrongType { expected: "an object", found: "null" }));
        };
        let mut area = import_area(raw, zone, &at)?;
        if !ids.insert(area.id.clone()) {
            area.id = at.pointer();
        }
        areas.push(area);
    }
    Ok(())
}

fn import_area(raw: &RawArea, zone: &Zone<'_>, at: &At<'_>) -> Result<Area, PlanError> {
    let (x, y) = point(&raw.position, &at.key("position"))?.unwrap_or_default();
    let text = import_text(&raw.text, &at.key("text"))?;
    let label = text.as_ref().map_or(&zone.name, |text| &text.text);
    let uuid = raw.uuid.text(&At::ROOT, MAX_GUID_CHARS).ok().flatten();
    Ok(Area {
        id: uuid.unwrap_or_else(|| at.pointer()),
        zone: zone.name.clone(),
        label: label.chars().take(MAX_NAME_CHARS).collect(),
        x: zone.origin.0 + x,
        y: zone.origin.1 + y,
        rotation: raw.rotation.drawn().unwrap_or_default(),
        color: css_color(&raw.color),
        border_color: css_color(&raw.border_color),
        text,
        shape: shape(raw),
    })
}

/// A text stands as such, or as an object with position, size and colour.
fn import_text(raw: &Field<RawText>, at: &At<'_>) -> Result<Option<AreaText>, PlanError> {
    let Field::Object(object) = raw else {
        let text = raw.text(at, MAX_AREA_TEXT_CHARS)?;
        return Ok(text.map(|text| AreaText { text, x: 0.0, y: 0.0, size: DEFAULT_TEXT_SIZE, color: None }));
    };
    let Some(text) = object.text.text(&at.key("text"), MAX_AREA_TEXT_CHARS)? else { return Ok(None) };
    let (x, y) = drawn_point(&object.position).unwrap_or_default();
    let size = object.size.drawn().filter(|size| *size > 0.0).unwrap_or(DEFAULT_TEXT_SIZE);
    Ok(Some(AreaText { text, x, y, size, color: css_color(&object.color) }))
}

/// The shape the area says it has; where it says nothing, the one it has the sizes of.
fn shape(raw: &RawArea) -> Shape {
    let said = raw.shape.text(&At::ROOT, MAX_NAME_CHARS).ok().flatten().map(|shape| shape.to_ascii_lowercase());
    let has = |present: bool, name: &'static str| present.then_some(name);
    let named = said.as_deref().or_else(|| {
        has(matches!(raw.polygon, Field::Object(_)), "polygon")
            .or(has(matches!(raw.ellipse, Field::Object(_)), "ellipse"))
            .or(has(matches!(raw.circle, Field::Object(_)), "circle"))
            .or(has(matches!(raw.rectangle, Field::Object(_)) || raw.width.drawn().is_some(), "rectangle"))
            .or(has(!matches!(raw.text, Field::Absent | Field::Null), "text"))
    });
    match named {
        Some("rectangle") => {
            let (width, height) = match &raw.rectangle {
                Field::Object(size) => (size.width.drawn(), size.height.drawn()),
                _ => (raw.width.drawn(), raw.height.drawn()),
            };
            Shape::Rectangle { width: width.unwrap_or_default(), height: height.unwrap_or_default() }
        }
        Some("circle") => {
            let Field::Object(circle) = &raw.circle else { return Shape::Circle { radius: 0.0 } };
            Shape::Circle { radius: circle.radius.drawn().unwrap_or_default() }
        }
        Some("ellipse") => {
            let Field::Object(ellipse) = &raw.ellipse else { return Shape::Ellipse { radius_x: 0.0, radius_y: 0.0 } };
            let round = ellipse.radius.drawn().map(|radius| (radius, radius));
            let (radius_x, radius_y) = round.or(drawn_point(&ellipse.radius)).unwrap_or_default();
            Shape::Ellipse { radius_x, radius_y }
        }
        Some("polygon") => {
            let Field::Object(polygon) = &raw.polygon else { return Shape::Polygon { points: Vec::new() } };
            let points = match &polygon.points {
                Field::List(points) => points.iter().filter_map(drawn_point).collect(),
                _ => Vec::new(),
            };
            Shape::Polygon { points }
        }
        Some("text") => Shape::Text,
        _ => Shape::Other,
    }
}

fn drawn_point(raw: &Field<RawPosition>) -> Option<(f64, f64)> {
    match raw {
        Field::Object(point) => point.x.drawn().zip(point.y.drawn()),
        _ => None,
    }
}
