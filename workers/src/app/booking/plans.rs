//! The sections' plans, read once: they never change.

use std::sync::Arc;

use goticket_domain::booking::decide::SectionPlan;
use goticket_storage::{StorageError, bookings::layout::section_layout};
use moka::sync::Cache;
use sqlx::PgConnection;

use super::desk::SectionKey;

/// Sections kept in memory. A section of a thousand seats takes some 20 kB.
const SECTIONS_MAX: u64 = 2_000;

/// A bounded cache; clones share it.
#[derive(Clone)]
pub(crate) struct Plans {
    plans: Cache<SectionKey, Arc<SectionPlan>>,
}

impl Plans {
    pub(crate) fn new() -> Self {
        Self { plans: Cache::new(SECTIONS_MAX) }
    }

    /// None if there is no such section, which is not remembered: its event may be in the making.
    pub(crate) async fn get(&self, db: &mut PgConnection, section: SectionKey) -> Result<Option<Arc<SectionPlan>>, StorageError> {
        if let Some(plan) = self.plans.get(&section) {
            return Ok(Some(plan));
        }
        let Some(layout) = section_layout(db, section.0, section.1).await? else { return Ok(None) };
        let plan = Arc::new(SectionPlan::new(&layout));
        self.plans.insert(section, Arc::clone(&plan));
        Ok(Some(plan))
    }
}
