//! The sections of events, read once: they never change.

use std::sync::Arc;

use goticket_domain::{EventId, booking::SectionPlan};
use goticket_storage::{StorageError, bookings::load};
use moka::sync::Cache;
use sqlx::PgConnection;

/// Seats of all plans that one process keeps. A seat takes some 20 bytes.
const SEATS_MAX: u64 = 5_000_000;

type Sections = Arc<Vec<Arc<SectionPlan>>>;

/// A bounded cache; clones share it.
#[derive(Clone)]
pub(super) struct Plans {
    plans: Cache<EventId, Sections>,
}

impl Plans {
    pub(super) fn new() -> Self {
        let seats = |_: &EventId, sections: &Sections| {
            u32::try_from(sections.iter().map(|section| section.len()).sum::<usize>().max(1)).unwrap_or(u32::MAX)
        };
        Self { plans: Cache::builder().max_capacity(SEATS_MAX).weigher(seats).build() }
    }

    /// Empty if there is no such event, which is not remembered: it may be in the making.
    pub(super) async fn get(&self, db: &mut PgConnection, event: EventId) -> Result<Sections, StorageError> {
        if let Some(sections) = self.plans.get(&event) {
            return Ok(sections);
        }
        let sections: Sections = Arc::new(load::sections(db, event).await?.into_iter().map(Arc::new).collect());
        if !sections.is_empty() {
            self.plans.insert(event, Arc::clone(&sections));
        }
        Ok(sections)
    }
}
