//! What is left to sell for which no one is inside yet: by the count in Redis, or by Postgres' own where that is not there.
//!
//! Redis has a count when someone has looked at the seat map or booked: a fresh one has none, and one that was emptied has none for a while.
//! Neither is an endless stock.

use goticket_domain::queue::{QueueError, Spare};
use goticket_storage::queue_log::Head;
use goticket_storage::{answered, seats};

use super::rooms::Known;
use super::storage_failed;
use crate::outbound::redis::Snapshot;

impl Known {
    /// The room now, where its log ended at `head` a moment ago, with what is left of the categories that it lets in to.
    pub(super) async fn look(&self, head: &Head) -> Result<Snapshot, QueueError> {
        let mut seen = self.log.look(head).await?;
        if self.room.seats_of != self.room.event {
            // Afterwards: whoever books between the two is inside and has their seat, too, rather than neither.
            seen.availability = self.log.availability().await?;
        }
        if let Some(sells) = &self.room.sells {
            seen.availability.retain(|left| sells.contains(&left.category));
        }
        Ok(seen)
    }

    /// None where nothing is sold that is counted.
    pub(super) async fn spare(&self, seen: &Snapshot) -> Result<Option<Spare>, QueueError> {
        let lacks_count = self.memory().lacks_count(seen);
        if lacks_count {
            let free = answered(seats::free(&self.log.pool, self.room.seats_of, self.room.sells.as_deref()))
                .await
                .map_err(storage_failed)?;
            self.memory().counted(free);
        }
        Ok(self.memory().count_stock(seen))
    }
}
