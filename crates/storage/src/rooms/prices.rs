//! What a room's event sells: its price categories, which never change once the event is published.

use goticket_domain::EventId;
use iso_currency::Currency;
use sqlx::PgPool;

use crate::StorageError;
use crate::columns::{currency, number};

/// What an event's seats cost.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prices {
    /// In which all prices are.
    pub currency: Currency,
    /// By number.
    pub categories: Vec<CategoryPrice>,
}

/// One price category.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CategoryPrice {
    /// Its number within the event.
    pub category: u16,
    /// What a fan pays for one seat, everything included, in minor units.
    pub price_minor: i64,
    /// How many seats it has.
    pub seats: u32,
}

/// What the event sells. Two reads by primary key.
pub async fn prices(pool: &PgPool, event: EventId) -> Result<Prices, StorageError> {
    let code: String = sqlx::query_scalar("SELECT currency FROM events WHERE id = $1").bind(event.0).fetch_one(pool).await?;
    let rows: Vec<(i16, i64, i32)> =
        sqlx::query_as("SELECT no, price_minor, seat_count FROM event_categories WHERE event = $1 ORDER BY no")
            .bind(event.0)
            .fetch_all(pool)
            .await?;
    let category = |(no, price_minor, seats)| {
        Ok(CategoryPrice { category: number::<i16, _>(no)?, price_minor, seats: number::<i32, _>(seats)? })
    };
    Ok(Prices { currency: currency(&code)?, categories: rows.into_iter().map(category).collect::<Result<_, StorageError>>()? })
}
