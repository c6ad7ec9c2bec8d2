//! From the file to the plan: every property is checked where it stands.

use std::collections::HashMap;

use super::{
    Category, PlanSeat, SeatingPlan, Section, Size,
    area::import_areas,
    drawing::{drawing, extent},
    error::{PlanError, PlanProblem, shortened},
    field::{Field, Scalar},
    pointer::At,
    raw::{RawCategory, RawPlan, RawPosition, RawSeat, RawSize, RawZone},
    rows::import_rows,
};
use crate::seating::{
    limits::{MAX_CATEGORIES, MAX_GUID_CHARS, MAX_NAME_CHARS, MAX_SEATS, MAX_ZONES},
    names::DistinctNames,
};

/// The category of a plan that declares none and whose seats name none.
const ONLY_CATEGORY: &str = "General";
/// Colours of categories that bring none.
const PALETTE: [&str; 8] = ["#1976d2", "#7b1fa2", "#388e3c", "#f57c00", "#c2185b", "#00838f", "#9e9d24", "#5d4037"];
/// The format's default radius of a seat.
const DEFAULT_RADIUS: f64 = 10.0;

pub(super) fn import(raw: &RawPlan) -> Result<SeatingPlan, PlanError> {
    let root = At::ROOT;
    let wrapped = root.key("layout");
    match raw.layout.object(&wrapped) {
        // A plan as the API of pretix serves it: the plan proper is inside.
        Ok(Some(inner)) if matches!((&raw.zones, &raw.categories), (Field::Absent, Field::Absent)) => {
            import_plan(inner, &wrapped)
        }
        _ => import_plan(raw, &root),
    }
}

fn import_plan(raw: &RawPlan, at: &At<'_>) -> Result<SeatingPlan, PlanError> {
    let name_at = at.key("name");
    if matches!(raw.name, Field::Absent | Field::Null) {
        return Err(name_at.fault(PlanProblem::Missing { property: "name" }));
    }
    let name = raw.name.text(&name_at, MAX_NAME_CHARS)?.unwrap_or_else(|| "Seating plan".to_owned());
    let mut seats = Seats { root: at, categories: import_categories(raw, at)?, first_use: HashMap::new() };
    let zones_at = at.key("zones");
    let zones = required(raw.zones.list(&zones_at)?, &zones_at, "zones")?;
    limit("zones", zones.len(), MAX_ZONES, &zones_at)?;

    let (mut sections, mut areas, mut names) = (Vec::new(), Vec::new(), DistinctNames::default());
    for (index, zone) in zones.iter().enumerate() {
        let at = zones_at.index(index);
        let Some(zone) = zone.object(&at)? else {
            return Err(at.fault(PlanProblem::WrongType { expected: "an object", found: "null" }));
        };
        let zone = Zone::read(zone, index, &at)?;
        let rows = import_rows(&zone, &at, &mut seats)?;
        import_areas(&zone, &at, &mut areas)?;
        if !rows.is_empty() {
            sections.push(Section { name: names.claim(&zone.name), zone_id: zone.id, rows });
        }
    }
    if sections.is_empty() && areas.is_empty() {
        return Err(zones_at.fault(PlanProblem::NothingToSell));
    }
    let extent = extent(&sections, &areas);
    let size = import_size(&raw.size, &at.key("size"))?.unwrap_or(extent.size());
    let drawing = drawing(size, extent, &sections, &areas);
    Ok(SeatingPlan { name, size, categories: seats.categories, sections, areas, drawing })
}

/// A zone's own properties.
pub(super) struct Zone<'a> {
    pub(super) raw: &'a RawZone,
    pub(super) index: usize,
    pub(super) name: String,
    pub(super) id: Option<String>,
    pub(super) origin: (f64, f64),
}

impl<'a> Zone<'a> {
    fn read(raw: &'a RawZone, index: usize, at: &At<'_>) -> Result<Self, PlanError> {
        let id = raw.zone_id.text(&at.key("zone_id"), MAX_NAME_CHARS)?;
        let name = raw.name.text(&at.key("name"), MAX_NAME_CHARS)?;
        let name = name.or_else(|| id.clone()).unwrap_or_else(|| format!("Zone {}", index + 1));
        let position_at = at.key("position");
        let origin = required(point(&raw.position, &position_at)?, &position_at, "position")?;
        Ok(Self { raw, index, name, id, origin })
    }
}

fn import_categories(raw: &RawPlan, at: &At<'_>) -> Result<Vec<Category>, PlanError> {
    let list_at = at.key("categories");
    let list = required(raw.categories.list(&list_at)?, &list_at, "categories")?;
    limit("categories", list.len(), MAX_CATEGORIES, &list_at)?;
    let mut categories: Vec<Category> = Vec::with_capacity(list.len().max(1));
    for (index, field) in list.iter().enumerate() {
        let at = list_at.index(index);
        let Some(RawCategory { name, color }) = field.object(&at)? else {
            return Err(at.fault(PlanProblem::WrongType { expected: "an object", found: "null" }));
        };
        let name = required_text(name, &at.key("name"), "name")?;
        if let Some(first) = categories.iter().position(|category| category.name == name) {
            let first = list_at.index(first).key("name").pointer();
            return Err(at.key("name").fault(PlanProblem::DuplicateCategory { name: shortened(&name), first }));
        }
        let color = css_color(color).unwrap_or_else(|| PALETTE[index % PALETTE.len()].to_owned());
        categories.push(Category { name, color });
    }
    if categories.is_empty() {
        categories.push(Category { name: ONLY_CATEGORY.to_owned(), color: PALETTE[0].to_owned() });
    }
    Ok(categories)
}

/// What holds for all seats of the plan together.
pub(super) struct Seats<'a> {
    root: &'a At<'a>,
    categories: Vec<Category>,
    first_use: HashMap<String, [usize; 3]>,
}

impl Seats<'_> {
    /// Checks one seat; `place` is its zone, row and index.
    pub(super) fn import(
        &mut self,
        raw: &RawSeat,
        origin: (f64, f64),
        place: [usize; 3],
        at: &At<'_>,
    ) -> Result<PlanSeat, PlanError> {
        if self.first_use.len() >= MAX_SEATS {
            return Err(at.fault(PlanProblem::TooManySeats));
        }
        let guid = self.guid(&raw.seat_guid, place, &at.key("seat_guid"))?;
        let number_at = at.key("seat_number");
        if matches!(raw.seat_number, Field::Absent | Field::Null) {
            return Err(number_at.fault(PlanProblem::Missing { property: "seat_number" }));
        }
        let number = raw.seat_number.text(&number_at, MAX_NAME_CHARS)?.unwrap_or_else(|| (place[2] + 1).to_string());
        let position_at = at.key("position");
        let (x, y) = required(point(&raw.position, &position_at)?, &position_at, "position")?;
        let category = self.category(&raw.category, &at.key("category"))?;
        let radius = raw.radius.drawn().filter(|radius| *radius > 0.0).unwrap_or(DEFAULT_RADIUS);
        Ok(PlanSeat { guid, number, category, x: origin.0 + x, y: origin.1 + y, radius })
    }

    fn guid(&mut self, raw: &Scalar, place: [usize; 3], at: &At<'_>) -> Result<String, PlanError> {
        let guid = required(raw.raw_text(at)?, at, "seat_guid")?.into_owned();
        let chars = guid.chars().count();
        if guid.trim().is_empty() {
            return Err(at.fault(PlanProblem::Empty { property: "seat_guid" }));
        }
        if chars > MAX_GUID_CHARS {
            return Err(at.fault(PlanProblem::TextTooLong { chars, max: MAX_GUID_CHARS }));
        }
        if guid.chars().any(char::is_control) {
            return Err(at.fault(PlanProblem::ControlCharacter));
        }
        if let Some([zone, row, seat]) = self.first_use.insert(guid.clone(), place) {
            let first = format!("{}/zones/{zone}/rows/{row}/seats/{seat}/seat_guid", self.root.pointer());
            return Err(at.fault(PlanProblem::DuplicateGuid { guid: shortened(&guid), first }));
        }
        Ok(guid)
    }

    fn category(&self, raw: &Scalar, at: &At<'_>) -> Result<usize, PlanError> {
        let named = required(raw.raw_text(at)?, at, "category")?;
        let name = named.trim();
        // Editors write an empty category for a seat that got none. With one category there is nothing to choose.
        if name.is_empty() {
            let only = self.categories.len() == 1;
            return if only { Ok(0) } else { Err(at.fault(PlanProblem::NoCategory { known: self.known() })) };
        }
        match self.categories.iter().position(|category| category.name == name) {
            Some(index) => Ok(index),
            None => Err(at.fault(PlanProblem::UnknownCategory { name: shortened(name), known: self.known() })),
        }
    }

    fn known(&self) -> String {
        let names: Vec<String> = self.categories.iter().take(10).map(|c| format!("`{}`", shortened(&c.name))).collect();
        names.join(", ")
    }
}

fn import_size(raw: &Field<RawSize>, at: &At<'_>) -> Result<Option<Size>, PlanError> {
    let Some(RawSize { width, height }) = raw.object(at)? else { return Ok(None) };
    let (width, height) = (width.coordinate(&at.key("width"))?, height.coordinate(&at.key("height"))?);
    Ok(width.zip(height).filter(|(width, height)| *width > 0.0 && *height > 0.0).map(|(width, height)| Size { width, height }))
}

/// A position; none if it is absent or null. Half a position is an error.
pub(super) fn point(raw: &Field<RawPosition>, at: &At<'_>) -> Result<Option<(f64, f64)>, PlanError> {
    let Some(RawPosition { x, y }) = raw.object(at)? else { return Ok(None) };
    let (x_at, y_at) = (at.key("x"), at.key("y"));
    let x = required(x.coordinate(&x_at)?, &x_at, "x")?;
    let y = required(y.coordinate(&y_at)?, &y_at, "y")?;
    Ok(Some((x, y)))
}

pub(super) fn required<T>(value: Option<T>, at: &At<'_>, property: &'static str) -> Result<T, PlanError> {
    value.ok_or_else(|| at.fault(PlanProblem::Missing { property }))
}

fn required_text(raw: &Scalar, at: &At<'_>, property: &'static str) -> Result<String, PlanError> {
    match raw.text(at, MAX_NAME_CHARS)? {
        Some(text) => Ok(text),
        None if matches!(raw, Field::Absent | Field::Null) => Err(at.fault(PlanProblem::Missing { property })),
        None => Err(at.fault(PlanProblem::Empty { property })),
    }
}

pub(super) fn limit(things: &'static str, count: usize, max: usize, at: &At<'_>) -> Result<(), PlanError> {
    if count > max { Err(at.fault(PlanProblem::TooMany { things, count, max })) } else { Ok(()) }
}

/// A CSS colour, if it can be nothing else: it will stand in an attribute of a page.
pub(super) fn css_color(raw: &Scalar) -> Option<String> {
    const MAX_CHARS: usize = 64;
    let color = raw.text(&At::ROOT, MAX_CHARS).ok()??;
    let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '#' | '(' | ')' | ',' | '.' | '%' | ' ' | '-' | '/');
    let reference = color.to_ascii_lowercase().contains("url");
    (!reference && color.chars().all(harmless)).then_some(color)
}
