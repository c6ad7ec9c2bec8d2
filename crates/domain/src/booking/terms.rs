//! What the organizer allows: when an event is sold, for how much, and how many to one account.

use iso_currency::Currency;
use jiff::Timestamp;

use super::RefusalReason;
use crate::{CategoryNo, catalog::EventStatus};

/// The terms of one event's sale. They may change while it is sold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Terms {
    /// Whether it is sold at all. Of a closed event nothing is sold any more, not even what is held; what was sold stays so.
    pub status: EventStatus,
    /// Begin of the sale.
    pub onsale_at: Timestamp,
    /// Begin of the event, and with it the end of the sale.
    pub starts_at: Timestamp,
    /// How long a hold lasts, in seconds.
    pub hold_seconds: u32,
    /// Most tickets one account may have, over all its bookings of the event.
    pub ticket_limit: u32,
    /// Currency of the prices.
    pub currency: Currency,
    /// Price of each category, in minor units, ascending by category.
    pub prices: Vec<(CategoryNo, i64)>,
}

impl Terms {
    /// Why nothing can be sold at this moment.
    pub fn refuse(&self, now: Timestamp) -> Result<(), RefusalReason> {
        match self.status {
            EventStatus::Closed => Err(RefusalReason::Closed),
            EventStatus::Published if now >= self.starts_at => Err(RefusalReason::Closed),
            EventStatus::Published if now >= self.onsale_at => Ok(()),
            EventStatus::Published | EventStatus::Draft => Err(RefusalReason::NotOnSale),
        }
    }

    /// The price of a category in minor units; none if it is not for sale.
    pub fn price(&self, category: CategoryNo) -> Option<i64> {
        self.prices.iter().find(|(no, _)| *no == category).map(|(_, price)| *price)
    }
}
