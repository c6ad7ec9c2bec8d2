//! What a room's event sells, on its board: read once, as it never changes, and put beside what is left.

use std::sync::Arc;

use goticket_domain::queue::{Availability, QueueError};
use goticket_storage::answered;
use goticket_storage::rooms::{self, Prices};

use super::rooms::Known;
use super::{WaitingRoomService, storage_failed};

impl WaitingRoomService {
    /// What the room's event sells, from memory where it was asked before.
    pub(super) async fn prices(&self, known: &Known) -> Result<Arc<Prices>, QueueError> {
        let remembered = known.memory().prices.clone();
        if let Some(prices) = remembered {
            return Ok(prices);
        }
        let prices = Arc::new(answered(rooms::prices(&self.pool, known.room.event)).await.map_err(storage_failed)?);
        known.memory().prices = Some(Arc::clone(&prices));
        Ok(prices)
    }
}

/// What is left, with what it costs and how much of it there is.
pub(super) fn priced(left: &[Availability], prices: &Prices) -> Vec<Availability> {
    let priced = |left: &Availability| {
        let of = prices.categories.iter().find(|of| of.category == left.category);
        Availability { price: of.map(|of| of.price_minor), capacity: of.map(|of| of.seats), ..*left }
    };
    left.iter().map(priced).collect()
}
