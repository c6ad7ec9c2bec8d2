//! What is left to sell for which no one is inside yet: by the count in Redis, or by Postgres' own where that is not there.
//!
//! Redis has a count when someone has looked at the seat map or booked: a fresh one has none, and one that was emptied has none for a while.
//! Neither is an endless stock.

use goticket_domain::queue::{QueueError, Spare};
use goticket_storage::{answered, seats};

use super::rooms::Known;
use super::storage_failed;
use crate::outbound::redis::Snapshot;

impl Known {
    /// None where nothing is sold that is counted.
    pub(super) async fn spare(&self, seen: &Snapshot) -> Result<Option<Spare>, QueueError> {
        let lacks_count = self.memory().lacks_count(seen);
        if lacks_count {
            let free = answered(seats::free(&self.log.pool, self.room.event)).await.map_err(storage_failed)?;
            self.memory().counted(free);
        }
        Ok(self.memory().count_stock(seen))
    }
}
