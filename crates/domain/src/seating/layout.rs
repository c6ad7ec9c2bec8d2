//! The numbered places of one event: a plan's seats, and the standing areas the organizer sells.

mod row;

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use self::row::{Runs, usual_step};
use super::{
    limits::{MAX_NAME_CHARS, MAX_SEATS, MAX_STANDING},
    names::DistinctNames,
    plan::{Area, Category, SeatingPlan, Section, place},
};

/// An area that the organizer sells as standing room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandingArea {
    /// [`Area::id`].
    pub area: String,
    /// Name of one of the plan's categories.
    pub category: String,
    /// What fans read; the area's label if there is none.
    #[serde(default)]
    pub name: Option<String>,
    /// How many people it holds: the format does not say.
    pub capacity: u32,
}

/// All places of an event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Layout {
    /// Price categories; [`LayoutSeat::category`] is an index into them.
    pub categories: Vec<Category>,
    /// Seated sections in the plan's order, then the standing ones in the order of the request.
    pub sections: Vec<LayoutSection>,
}

/// What a section's places are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SectionKind {
    /// Seats with rows, numbers and positions.
    Seated,
    /// Places without position, all alike.
    Standing,
}

/// A section of an event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayoutSection {
    /// Index in the layout.
    pub no: u16,
    /// Its name, unique in the event.
    pub name: String,
    /// Seats or standing room.
    pub kind: SectionKind,
    /// The area of the plan that a standing section is.
    pub area: Option<String>,
    /// [`LayoutSeat::no`] of its first place.
    pub first_seat: u32,
    /// Its places, in order of their numbers, without a gap.
    pub seats: Vec<LayoutSeat>,
}

/// One place that can be sold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayoutSeat {
    /// Number over the whole event, from 0 without a gap.
    pub no: u32,
    /// Row in the section, the front one is 0.
    pub row: u16,
    /// Run of neighbours in the row, from 0: where there is an aisle or a gap, the next one begins.
    pub block: u16,
    /// How tickets call the row; empty for standing places.
    pub row_label: String,
    /// The number shown.
    pub number: String,
    /// The stable id, unique in the event.
    pub guid: String,
    /// Index into [`Layout::categories`].
    pub category: u16,
    /// Absolute position in pixels; standing places have none.
    pub x: Option<f32>,
    /// Absolute position in pixels, downwards; standing places have none.
    pub y: Option<f32>,
}

/// A list of standing areas that does not fit the plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", place(.pointer))]
pub struct LayoutError {
    /// JSON pointer into the list of standing areas; empty where the fault is none of theirs.
    pub pointer: String,
    /// What is wrong there.
    pub problem: LayoutProblem,
}

/// What is wrong with a list of standing areas.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutProblem {
    /// Not an [`Area::id`] of the plan.
    #[error("the plan has no area of this id: use the id of one of its {areas} areas")]
    UnknownArea {
        /// How many the plan has.
        areas: usize,
    },
    /// The same area twice.
    #[error("this area is already a standing section at /{first}: name each area once")]
    DuplicateArea {
        /// Index of the first one.
        first: usize,
    },
    /// Not a category of the plan.
    #[error("the plan has no category of this name: use one of {known}")]
    UnknownCategory {
        /// The plan's categories.
        known: String,
    },
    /// Nobody fits in.
    #[error("a standing section holds at least 1 person: give its capacity")]
    NoCapacity,
    /// The name is too long.
    #[error("the name has more than {MAX_NAME_CHARS} characters: shorten it")]
    NameTooLong,
    /// More than [`MAX_STANDING`].
    #[error("more than {MAX_STANDING} standing sections: merge some")]
    TooManySections,
    /// More than [`MAX_SEATS`] with the plan's seats.
    #[error("with this section the event has more than {MAX_SEATS} places: lower the capacity")]
    TooManyPlaces,
    /// A seat of the plan has the guid that a standing place would get.
    #[error("a seat of the plan is called `{guid}`, as a place of this area would be: rename that seat")]
    GuidTaken {
        /// The guid.
        guid: String,
    },
    /// No seats, and no standing area chosen.
    #[error("the plan has no seats: name at least one of its areas as standing section")]
    NothingToSell,
}

impl Layout {
    /// How many places there are.
    pub fn place_count(&self) -> usize {
        self.sections.iter().map(|section| section.seats.len()).sum()
    }
}

impl SeatingPlan {
    /// Numbers the plan's seats and the places of the standing areas.
    pub fn layout(&self, standing: &[StandingArea]) -> Result<Layout, LayoutError> {
        if standing.len() > MAX_STANDING {
            return Err(fault(String::new(), LayoutProblem::TooManySections));
        }
        if self.sections.is_empty() && standing.is_empty() {
            return Err(fault(String::new(), LayoutProblem::NothingToSell));
        }
        let mut layout = Layout { categories: self.categories.clone(), sections: Vec::new() };
        let mut names = DistinctNames::default();
        let mut places = 0_u32;
        for section in &self.sections {
            let no = number(layout.sections.len());
            let section = seated(section, no, names.claim(&section.name), places);
            places += u32::try_from(section.seats.len()).unwrap_or(u32::MAX);
            layout.sections.push(section);
        }
        let guids: HashSet<&str> =
            self.sections.iter().flat_map(|s| &s.rows).flat_map(|r| &r.seats).map(|seat| seat.guid.as_str()).collect();
        for (index, wanted) in standing.iter().enumerate() {
            let (area, category) = self.check_standing(standing, index, places)?;
            let name = wanted.name.as_deref().map(str::trim).filter(|name| !name.is_empty()).unwrap_or(&area.label);
            if name.chars().count() > MAX_NAME_CHARS {
                return Err(fault(format!("/{index}/name"), LayoutProblem::NameTooLong));
            }
            let no = number(layout.sections.len());
            let section = stand(area, category, wanted.capacity, no, names.claim(name), places);
            if let Some(seat) = section.seats.iter().find(|seat| guids.contains(seat.guid.as_str())) {
                return Err(fault(format!("/{index}/area"), LayoutProblem::GuidTaken { guid: seat.guid.clone() }));
            }
            places += wanted.capacity;
            layout.sections.push(section);
        }
        Ok(layout)
    }

    fn check_standing(&self, standing: &[StandingArea], index: usize, places: u32) -> Result<(&Area, u16), LayoutError> {
        let StandingArea { area: id, category, capacity, .. } = &standing[index];
        let at = |field: &str, problem| fault(format!("/{index}/{field}"), problem);
        let Some(area) = self.areas.iter().find(|area| area.id == *id) else {
            return Err(at("area", LayoutProblem::UnknownArea { areas: self.areas.len() }));
        };
        if let Some(first) = standing[..index].iter().position(|other| other.area == *id) {
            return Err(at("area", LayoutProblem::DuplicateArea { first }));
        }
        let Some(category) = self.categories.iter().position(|known| known.name == category.trim()) else {
            let known: Vec<_> = self.categories.iter().take(10).map(|category| format!("`{}`", category.name)).collect();
            return Err(at("category", LayoutProblem::UnknownCategory { known: known.join(", ") }));
        };
        if *capacity == 0 {
            return Err(at("capacity", LayoutProblem::NoCapacity));
        }
        if u64::from(places) + u64::from(*capacity) > MAX_SEATS as u64 {
            return Err(at("capacity", LayoutProblem::TooManyPlaces));
        }
        Ok((area, number(category)))
    }
}

fn fault(pointer: String, problem: LayoutProblem) -> LayoutError {
    LayoutError { pointer, problem }
}

/// An index that the limits of a plan keep within 16 bits.
fn number(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}

fn seated(section: &Section, no: u16, name: String, first_seat: u32) -> LayoutSection {
    let rows: Vec<Vec<(f64, f64)>> =
        section.rows.iter().map(|row| row.seats.iter().map(|seat| (seat.x, seat.y)).collect()).collect();
    let runs: Vec<Runs> = rows.iter().map(|points| Runs::new(points)).collect();
    let step = usual_step(runs.iter().flat_map(|runs| runs.steps.iter().copied()));
    let mut seats = Vec::with_capacity(rows.iter().map(Vec::len).sum());
    for (row_no, (row, runs)) in section.rows.iter().zip(&runs).enumerate() {
        for (&index, block) in runs.order.iter().zip(runs.blocks(step)) {
            let seat = &row.seats[index];
            seats.push(LayoutSeat {
                no: 0,
                row: number(row_no),
                block,
                row_label: row.label.clone(),
                number: seat.number.clone(),
                guid: seat.guid.clone(),
                category: number(seat.category),
                x: Some(pixels(seat.x)),
                y: Some(pixels(seat.y)),
            });
        }
    }
    for (seat, no) in seats.iter_mut().zip(first_seat..) {
        seat.no = no;
    }
    LayoutSection { no, name, kind: SectionKind::Seated, area: None, first_seat, seats }
}

#[expect(clippy::cast_possible_truncation, reason = "positions are bounded; a fraction of a pixel may go")]
fn pixels(position: f64) -> f32 {
    position as f32
}

fn stand(area: &Area, category: u16, capacity: u32, no: u16, name: String, first_seat: u32) -> LayoutSection {
    let seats = (0..capacity)
        .map(|index| LayoutSeat {
            no: first_seat + index,
            row: 0,
            block: 0,
            row_label: String::new(),
            number: (index + 1).to_string(),
            guid: format!("{}#{}", area.id, index + 1),
            category,
            x: None,
            y: None,
        })
        .collect();
    LayoutSection { no, name, kind: SectionKind::Standing, area: Some(area.id.clone()), first_seat, seats }
}
