//! An event's places as requests need them: which section and category each has, and the part of the seat map that never changes,
//! serialized once.

use std::collections::HashMap;
use std::sync::Arc;

use goticket_contracts::redis_keys::seat_state;
use goticket_domain::booking::SeatCount;
use goticket_domain::seating::SeatingPlan;
use goticket_domain::{EventId, VenueId};
use goticket_storage::{seats, venues};
use serde::Serialize;
use sqlx::PgPool;

use crate::fault::Fault;
use crate::packed::Packed;

/// Places by number.
#[derive(Debug)]
pub(crate) struct Geometry {
    places: Vec<Place>,
    /// First and last place of each section: they lie together.
    sections: HashMap<u16, (u32, u32)>,
    /// `"seats":[…],"drawing":{…}`: members of the seat map's object.
    pub(crate) members: Packed,
}

/// One place.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) section: u16,
    pub(crate) category: u16,
    pub(crate) row: Box<str>,
    pub(crate) number: Box<str>,
}

/// A place as the seat map shows it.
#[derive(Serialize)]
struct MapSeat<'a> {
    no: u32,
    section: u16,
    row: &'a str,
    number: &'a str,
    category: u16,
    x: Option<f32>,
    y: Option<f32>,
}

impl Geometry {
    pub(crate) fn capacity(&self) -> u32 {
        u32::try_from(self.places.len()).unwrap_or(u32::MAX)
    }

    /// About how much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        let labels: usize = self.places.iter().map(|place| place.row.len() + place.number.len()).sum();
        self.members.plain().len() + self.places.len() * size_of::<Place>() + labels
    }

    pub(crate) fn place(&self, no: u32) -> Option<&Place> {
        self.places.get(usize::try_from(no).ok()?)
    }

    /// All places in order of their numbers.
    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }

    /// Number of a section's first place and of its last one.
    pub(crate) fn seats_of(&self, section: u16) -> Option<(u32, u32)> {
        self.sections.get(&section).copied()
    }

    /// What is left of a section, or of one category of it, when these of its places are taken.
    pub(crate) fn left(&self, section: u16, category: Option<u16>, taken: &[(u32, u8)]) -> SeatCount {
        let Some((first, last)) = self.seats_of(section) else { return SeatCount::default() };
        let of_category = |no: u32| self.place(no).is_some_and(|place| category.is_none_or(|only| place.category == only));
        let (mut free, mut held) = ((first..=last).filter(|no| of_category(*no)).count(), 0);
        for (_, state) in taken.iter().filter(|(no, _)| of_category(*no)) {
            free = free.saturating_sub(1);
            held += u32::from(*state == seat_state::HELD);
        }
        SeatCount { free: u32::try_from(free).unwrap_or(u32::MAX), held }
    }

    /// Whether the section has places of these categories only.
    pub(crate) fn is_within(&self, section: u16, categories: &[u16]) -> bool {
        self.places.iter().filter(|place| place.section == section).all(|place| categories.contains(&place.category))
    }

    /// Whether the section has places of this category.
    pub(crate) fn sells(&self, section: u16, category: u16) -> bool {
        self.places.iter().any(|place| place.section == section && place.category == category)
    }
}

/// Reads an event's places and its venue's plan.
pub(crate) async fn load(pool: &PgPool, event: EventId, venue: VenueId) -> Result<Arc<Geometry>, Fault> {
    let seats = seats::all(pool, event).await?;
    let plan = venues::plan(pool, venue).await?.ok_or_else(|| Fault::Bug(format!("event {event} has no venue")))?;
    tokio::task::spawn_blocking(move || build(&seats, &plan).map(Arc::new))
        .await
        .unwrap_or_else(|error| Err(Fault::Bug(error.to_string())))
}

fn build(seats: &[seats::Seat], plan: &str) -> Result<Geometry, Fault> {
    let bug = |error: &dyn std::fmt::Display| Fault::Bug(error.to_string());
    let plan = SeatingPlan::from_json(plan.as_bytes()).map_err(|error| bug(&error))?;
    let shown: Vec<MapSeat> = seats
        .iter()
        .map(|s| MapSeat {
            no: s.no,
            section: s.section,
            row: &s.row_label,
            number: &s.number,
            category: s.category,
            x: s.x,
            y: s.y,
        })
        .collect();
    let mut members = b"\"seats\":".to_vec();
    serde_json::to_writer(&mut members, &shown).map_err(|error| bug(&error))?;
    members.extend_from_slice(b",\"drawing\":");
    serde_json::to_writer(&mut members, &plan.drawing).map_err(|error| bug(&error))?;
    let place = |s: &seats::Seat| Place {
        section: s.section,
        category: s.category,
        row: s.row_label.as_str().into(),
        number: s.number.as_str().into(),
    };
    let mut sections = HashMap::new();
    for seat in seats {
        sections.entry(seat.section).and_modify(|(_, last)| *last = seat.no).or_insert((seat.no, seat.no));
    }
    Ok(Geometry { places: seats.iter().map(place).collect(), sections, members: Packed::new(members) })
}
