//! The attempts to pay one booking.

use goticket_domain::payment::PaymentState;
use goticket_domain::{BookingId, Money, PaymentId};
use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row as _};

use crate::StorageError;
use crate::columns::{currency, parsed, timestamp};

/// Attempts that are shown of one booking, the latest. A hold lasts an hour at most, and each attempt takes a fan a page to be declined on;
/// beyond it the oldest are left out.
pub const ATTEMPTS_SHOWN_MAX: u32 = 100;

/// One attempt, as it stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastAttempt {
    /// Its id.
    pub id: PaymentId,
    /// The provider's name.
    pub provider: String,
    /// What was asked for.
    pub amount: Money,
    /// Where it stands.
    pub state: PaymentState,
    /// When the fan began it.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The attempts to pay a booking, whoever it belongs to, oldest first.
pub async fn of_booking(pool: &PgPool, booking: BookingId) -> Result<Vec<PastAttempt>, StorageError> {
    // payments_by_booking. Fenced off, as the order by the primary key would otherwise be one for the planner to walk along.
    let rows = sqlx::query(
        "WITH its AS MATERIALIZED (
             SELECT id, provider, amount_minor, currency::text AS currency, state, created_at, updated_at
             FROM payments WHERE booking = $1)
         SELECT * FROM (SELECT * FROM its ORDER BY id DESC LIMIT $2) AS latest ORDER BY id",
    )
    .bind(booking.0)
    .bind(i64::from(ATTEMPTS_SHOWN_MAX))
    .fetch_all(pool)
    .await?;
    rows.iter().map(attempt).collect()
}

fn attempt(row: &PgRow) -> Result<PastAttempt, StorageError> {
    Ok(PastAttempt {
        id: PaymentId(row.try_get("id")?),
        provider: row.try_get("provider")?,
        amount: Money { amount_minor: row.try_get("amount_minor")?, currency: currency(row.try_get("currency")?)? },
        state: parsed(row.try_get("state")?)?,
        created_at: timestamp(row, "created_at")?,
        updated_at: timestamp(row, "updated_at")?,
    })
}
