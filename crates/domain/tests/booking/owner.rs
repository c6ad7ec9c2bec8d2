//! The owner of an event's bookings, as a worker is one: looks up, decides in memory, writes; and does it again, more carefully, if
//! what is stored is other than remembered.

use std::{collections::BTreeSet, sync::Arc};

use goticket_domain::booking::{Applied, Command, Needs, SectionPlan, Terms, WorkingSet};
use jiff::Timestamp;

use crate::store::{Stale, Store};

pub(crate) struct Owner {
    pub(crate) set: WorkingSet,
    pub(crate) store: Store,
    terms: Terms,
    sections: Vec<Arc<SectionPlan>>,
    /// What was other than remembered so far.
    pub(crate) stale: BTreeSet<Stale>,
}

impl Owner {
    pub(crate) fn new(terms: Terms, sections: Vec<Arc<SectionPlan>>) -> Self {
        let store = Store::default();
        Self { set: store.load(terms.clone(), &sections), store, terms, sections, stale: BTreeSet::new() }
    }

    /// Dies, and another process takes over.
    pub(crate) fn restart(&mut self) {
        self.set = self.store.load(self.terms.clone(), &self.sections);
    }

    pub(crate) fn set_terms(&mut self, terms: Terms) {
        self.terms = terms;
        self.set.set_terms(self.terms.clone());
    }

    pub(crate) fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Decides and writes one batch.
    pub(crate) fn decide(&mut self, batch: &[Command], now: Timestamp) -> Vec<Applied> {
        self.attempt(batch, now, false)
            .or_else(|stale| {
                // A lane has one owner: seats and bookings are always as it remembers.
                assert!(!matches!(stale, Stale::Seat | Stale::Booking), "{stale:?} in {batch:?}");
                self.stale.insert(stale);
                self.attempt(batch, now, true)
            })
            .unwrap_or_else(|stale| panic!("{stale:?} although everything was looked up, in {batch:?}"))
    }

    fn attempt(&mut self, batch: &[Command], now: Timestamp, careful: bool) -> Result<Vec<Applied>, Stale> {
        let mut needs = Needs::default();
        for command in batch {
            self.set.needs(command, now, careful, &mut needs);
        }
        self.store.tell(&needs, &mut self.set);
        let applied: Vec<Applied> = batch.iter().map(|command| self.set.apply(command, now)).collect();
        match self.store.write(applied.iter().flat_map(|applied| &applied.changes)) {
            Ok(store) => {
                self.store = store;
                self.set.end_batch();
                Ok(applied)
            }
            Err(stale) => {
                for applied in applied.iter().rev() {
                    self.set.take_back(&applied.changes);
                }
                Err(stale)
            }
        }
    }
}
