//! What an owner does between batches: hears of changed terms, and puts seat maps right that missed something.

use goticket_domain::EventId;
use goticket_storage::{StorageError, answered, bookings::load};

use super::LaneOwner;
use crate::outbound::seats::Publication;

impl LaneOwner {
    /// Reads the terms of the events it remembers: an event that was closed sells nothing from then on.
    pub async fn refresh_terms(&mut self) -> Result<(), StorageError> {
        let events = self.memory.events();
        if events.is_empty() {
            return Ok(());
        }
        let pool = self.deciding.pool.clone();
        let read = answered(async {
            let mut db = pool.acquire().await?;
            Ok((load::terms(&mut db, &events).await?, load::clock(&mut db).await?))
        });
        let (terms, now) = read.await?;
        self.clock.set(now);
        for (event, terms) in terms {
            self.memory.set_terms(event, terms);
        }
        Ok(())
    }

    /// Whole maps of the events whose map in Redis is not the latest one.
    pub async fn maps_to_repair(&mut self) -> Vec<Publication> {
        let mut known: Vec<(EventId, i64)> = Vec::new();
        for event in self.memory.events() {
            if let Some(version) = self.memory.get(event).and_then(|remembered| remembered.map) {
                known.push((event, version));
            }
        }
        for event in self.deciding.board.behind(&known).await {
            self.memory.whole_map(event);
        }
        let sequence = self.fence.sequence;
        let mut repairs = Vec::new();
        for event in self.memory.events() {
            let Some(remembered) = self.memory.get(event).filter(|remembered| remembered.map.is_none()) else { continue };
            if let Some(update) = remembered.map_update(sequence, &[].into()) {
                repairs.push(Publication { map: Some(update), ..Publication::new(event) });
            }
        }
        repairs
    }
}
