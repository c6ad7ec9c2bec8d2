//! One section as choosing among its seats needs it. Never changes once its event exists.

use super::TakenSeats;
use crate::{
    CategoryNo, SeatNo, SectionNo,
    seating::{LayoutSection, SectionSeats},
};

/// A section, prepared.
#[derive(Debug, Clone)]
pub struct SectionPlan {
    no: SectionNo,
    first_seat: u32,
    category_of: Vec<CategoryNo>,
    categories: Vec<CategoryNo>,
    seats: SectionSeats,
}

impl SectionPlan {
    /// Prepares a section whose places are in order of their numbers, without a gap.
    pub fn new(section: &LayoutSection) -> Self {
        let category_of: Vec<CategoryNo> = section.seats.iter().map(|seat| CategoryNo(seat.category)).collect();
        let mut categories = category_of.clone();
        categories.sort_unstable();
        categories.dedup();
        let (no, first_seat) = (SectionNo(section.no), section.first_seat);
        Self { no, first_seat, category_of, categories, seats: SectionSeats::new(section) }
    }

    /// Its number.
    pub fn no(&self) -> SectionNo {
        self.no
    }

    /// The price categories it has, ascending.
    pub fn categories(&self) -> &[CategoryNo] {
        &self.categories
    }

    /// How many places it has.
    pub fn len(&self) -> usize {
        self.category_of.len()
    }

    /// A section without places exists only in broken data.
    pub fn is_empty(&self) -> bool {
        self.category_of.is_empty()
    }

    /// The price category of a seat; none if the seat is not of this section.
    pub fn category(&self, seat: SeatNo) -> Option<CategoryNo> {
        self.category_of.get(usize::try_from(seat.0.checked_sub(self.first_seat)?).ok()?).copied()
    }

    /// The price categories of these seats, one for each seat of this section.
    pub(super) fn categories_of(&self, seats: &[SeatNo]) -> impl Iterator<Item = CategoryNo> {
        seats.iter().filter_map(|seat| self.category(*seat))
    }

    /// Every seat with its category.
    pub fn numbered(&self) -> impl Iterator<Item = (SeatNo, CategoryNo)> {
        (self.first_seat..).map(SeatNo).zip(self.category_of.iter().copied())
    }

    /// The best `quantity` seats that are free, ascending; see [`SectionSeats::best_available`].
    pub(super) fn best_available(&self, taken: &TakenSeats, quantity: u8, category: Option<CategoryNo>) -> Option<Vec<SeatNo>> {
        let is_taken = |seat| taken.is_taken(SeatNo(seat));
        let found = self.seats.best_available(is_taken, usize::from(quantity), category.map(|category| category.0))?;
        Some(found.into_iter().map(SeatNo).collect())
    }
}
