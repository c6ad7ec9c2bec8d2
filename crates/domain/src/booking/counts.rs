//! How many seats are free and held, kept with every change: nothing is counted while a sale runs.

use std::collections::{BTreeMap, HashMap};

use super::BookingState;
use crate::{CategoryNo, SectionNo};

/// Seats of one category.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SeatCount {
    /// In no live booking.
    pub free: u32,
    /// Of held bookings.
    pub held: u32,
}

/// By category, over the whole event and in each section.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    event: BTreeMap<CategoryNo, SeatCount>,
    sections: HashMap<(SectionNo, CategoryNo), SeatCount>,
}

impl Counts {
    /// There is one more seat, and it is free.
    pub(super) fn add(&mut self, section: SectionNo, category: CategoryNo) {
        self.each(section, category, |count| count.free += 1);
    }

    /// A seat goes to a booking in this state.
    pub(super) fn take(&mut self, section: SectionNo, category: CategoryNo, state: BookingState) {
        self.each(section, category, |count| {
            count.free = count.free.saturating_sub(1);
            count.held += u32::from(state == BookingState::Held);
        });
    }

    /// A booking in this state gives a seat back.
    pub(super) fn free(&mut self, section: SectionNo, category: CategoryNo, state: BookingState) {
        self.each(section, category, |count| {
            count.free += 1;
            count.held = count.held.saturating_sub(u32::from(state == BookingState::Held));
        });
    }

    /// Ascending by category.
    pub(super) fn by_category(&self) -> impl Iterator<Item = (CategoryNo, SeatCount)> {
        self.event.iter().map(|(category, count)| (*category, *count))
    }

    /// Of these categories of a section together.
    pub(super) fn of(&self, section: SectionNo, categories: impl Iterator<Item = CategoryNo>) -> SeatCount {
        let counts = categories.filter_map(|category| self.sections.get(&(section, category)));
        counts.fold(SeatCount::default(), |sum, count| SeatCount { free: sum.free + count.free, held: sum.held + count.held })
    }

    fn each(&mut self, section: SectionNo, category: CategoryNo, change: impl Fn(&mut SeatCount)) {
        change(self.event.entry(category).or_default());
        change(self.sections.entry((section, category)).or_default());
    }
}
