//! Seats: importing a venue's plan, laying it out for an event, and finding the best ones that are free.
//!
//! * [`SeatingPlan::from_json`] reads the pretix seating-plan format (zones → rows → seats, and areas) as editors really
//!   write it, and refuses with a JSON pointer what cannot be sold without guessing.
//! * [`SeatingPlan::layout`] turns a plan into the numbered places of one event; the organizer's standing areas become
//!   sections whose places have no position, so that everything after it knows one kind of place only.
//! * [`SectionSeats`] finds the best contiguous seats of a section.
//! * [`generate_arena`] makes a plan of any size for rehearsals and benchmarks.
//!
//! Invariants: a `guid` is unique in a plan; places are numbered `0..n` without a gap in the order section, row, position
//! along the row; two places are neighbours only if they are consecutive *and* share row and `block`.

mod allocation;
mod arena;
mod layout;
pub mod limits;
mod names;
mod plan;

pub use allocation::SectionSeats;
pub use arena::generate_arena;
pub use layout::{Layout, LayoutError, LayoutProblem, LayoutSeat, LayoutSection, SectionKind, StandingArea};
pub use limits::{MAX_PLAN_BYTES, MAX_SEATS};
pub use plan::{
    Area, AreaText, Category, PlanError, PlanProblem, PlanSeat, Row, RowNumberPosition, SeatingPlan, Section, Shape, Size,
};
