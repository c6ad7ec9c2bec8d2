//! A venue's seating plan: what the file says, checked, with absolute positions.

mod area;
mod drawing;
mod error;
mod field;
mod import;
mod pointer;
mod raw;
mod rows;
mod scan;

use serde::Serialize;
use serde_json::Value;

pub(in crate::seating) use self::error::place;
pub use self::{
    area::{Area, AreaText, Shape},
    error::{PlanError, PlanProblem},
};
use self::{pointer::At, raw::RawPlan};
use super::limits::MAX_PLAN_BYTES;

/// A seating plan that can be sold: every seat has a guid of its own and a declared category.
#[derive(Debug, Clone, PartialEq)]
pub struct SeatingPlan {
    /// The plan's name.
    pub name: String,
    /// The canvas; where the file gives none, the extent of what is on it.
    pub size: Size,
    /// Price categories, in the file's order.
    pub categories: Vec<Category>,
    /// One section per zone that has seats, in the file's order. Their names differ.
    pub sections: Vec<Section>,
    /// Everything drawn that is not a seat. Any of them can become a standing section, see [`SeatingPlan::layout`].
    pub areas: Vec<Area>,
    /// What a seat map draws besides the seats, as JSON, in absolute positions: `size`, `bounds` of everything, `areas`, and
    /// `row_labels` (`text`, `x`, `y`). Colours are checked, texts are plain texts.
    pub drawing: Value,
}

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Size {
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// A price level of seats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Category {
    /// Its name, unique in the plan.
    pub name: String,
    /// A CSS colour; one of our own where the file's is missing or none.
    pub color: String,
}

/// A zone's seats.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// The zone's name, made distinct.
    pub name: String,
    /// The editor's id of the zone.
    pub zone_id: Option<String>,
    /// Rows with seats, the front one first as far as the file tells.
    pub rows: Vec<Row>,
}

/// A row of seats.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// How tickets call it: the row label with the number put in, or else the number.
    pub label: String,
    /// Its number; its place in the zone where the file gives none.
    pub number: String,
    /// At which ends the plan shows its number.
    pub number_position: RowNumberPosition,
    /// Its seats, in the file's order.
    pub seats: Vec<PlanSeat>,
}

/// At which ends of a row its number is drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RowNumberPosition {
    /// Nowhere.
    #[default]
    Hidden,
    /// Before the first seat.
    Start,
    /// After the last seat.
    End,
    /// At both ends.
    Both,
}

/// A seat of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanSeat {
    /// The stable id, unique in the plan.
    pub guid: String,
    /// The number shown, which need not be one.
    pub number: String,
    /// Index into [`SeatingPlan::categories`].
    pub category: usize,
    /// Absolute position in pixels (zone + row + seat).
    pub x: f64,
    /// Absolute position in pixels (zone + row + seat), downwards.
    pub y: f64,
    /// Radius in pixels.
    pub radius: f64,
}

impl SeatingPlan {
    /// Reads a plan in the pretix seating-plan format.
    pub fn from_json(bytes: &[u8]) -> Result<Self, PlanError> {
        import::import(&parse(bytes)?)
    }

    /// How many seats there are, standing places not counted.
    pub fn seat_count(&self) -> usize {
        self.sections.iter().flat_map(|section| &section.rows).map(|row| row.seats.len()).sum()
    }
}

fn parse(bytes: &[u8]) -> Result<RawPlan, PlanError> {
    if bytes.len() > MAX_PLAN_BYTES {
        return Err(At::ROOT.fault(PlanProblem::TooLarge { bytes: bytes.len() }));
    }
    // Two zero bytes among the first four, or a byte order mark of two bytes: UTF-16 or UTF-32.
    let looks_wide = bytes.iter().take(4).any(|&byte| byte == 0) || matches!(bytes, [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..]);
    if looks_wide {
        return Err(At::ROOT.fault(PlanProblem::NotUtf8));
    }
    let json = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    scan::check(json)?;
    let plan: field::Field<RawPlan> = serde_json::from_slice(json).map_err(|error| At::ROOT.fault(unreadable(&error)))?;
    match plan {
        field::Field::Object(plan) => Ok(plan),
        other => Err(At::ROOT.fault(PlanProblem::WrongType { expected: "an object", found: other.kind() })),
    }
}

fn unreadable(error: &serde_json::Error) -> PlanProblem {
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let detail = message.split(" at line ").next().unwrap_or(&message).to_owned();
    // Fields take any type, so the only data error left is a property that stands twice in its object.
    if error.is_data() {
        PlanProblem::RepeatedProperty { line, column, detail }
    } else {
        PlanProblem::Syntax { line, column, detail }
    }
}
