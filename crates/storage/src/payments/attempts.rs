//! Attempts to pay: one open at a time per booking. What a provider decides about them, the booking worker writes.

use goticket_domain::payment::PaymentState;
use goticket_domain::{AccountId, BookingId, EventId, PaymentId};
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use crate::StorageError;

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its id.
    pub id: PaymentId,
    /// The booking it pays.
    pub booking: BookingId,
    /// The event of that booking.
    pub event: EventId,
    /// The provider's name.
    pub provider: String,
    /// The provider's id, once it has answered.
    pub provider_ref: Option<String>,
    /// Where the fan pays, once the provider has answered.
    pub pay_url: Option<String>,
    /// How much.
    pub amount_minor: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// Where it stands.
    pub state: PaymentState,
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    booking: Uuid,
    event: Uuid,
    provider: String,
    provider_ref: Option<String>,
    pay_url: Option<String>,
    amount_minor: i64,
    currency: String,
    state: String,
}

/// Begins to pay a booking, or finds the attempt that is open; true where it is new. None where the booking is not this account's,
/// not held, its hold is over by the database's clock, or its event is closed.
///
/// Two at once: the partial unique index `payments_one_open` lets one insert, the other one finds its row. One that is being declined in
/// this moment is waited for, and is then not open any more.
pub async fn open(
    pool: &PgPool,
    booking: BookingId,
    account: AccountId,
    provider: &str,
) -> Result<Option<(Attempt, bool)>, StorageError> {
    let id = PaymentId::generate();
    let row: Option<Row> = sqlx::query_as(
        "WITH p AS (
             INSERT INTO payments (id, booking, provider, amount_minor, currency, state)
             SELECT $1, b.id, $4, b.total_minor, b.currency, 'open'
             FROM bookings b JOIN events e ON e.id = b.event AND e.status <> 'closed'
             WHERE b.id = $2 AND b.account = $3 AND b.state = 'held' AND b.hold_expires_at > now()
             -- Changes nothing, but locks the row and returns it.
             ON CONFLICT (booking) WHERE state = 'open' DO UPDATE SET booking = payments.booking
             RETURNING id, booking, provider, provider_ref, pay_url, amount_minor, currency, state)
         SELECT p.id, p.booking, b.event, p.provider, p.provider_ref, p.pay_url, p.amount_minor, p.currency, p.state
         FROM p JOIN bookings b ON b.id = p.booking",
    )
    .bind(id.0)
    .bind(booking.0)
    .bind(account.0)
    .bind(provider)
    .fetch_optional(pool)
    .await?;
    let attempt = row.map(attempt).transpose()?;
    Ok(attempt.map(|attempt| {
        let is_new = attempt.id == id;
        (attempt, is_new)
    }))
}

/// Notes what the provider calls this attempt and where the fan pays, and returns where that is: of two at once the first is kept.
pub async fn set_provider(pool: &PgPool, id: PaymentId, provider_ref: &str, pay_url: &str) -> Result<String, StorageError> {
    let kept: Option<String> = sqlx::query_scalar(
        "UPDATE payments
         SET provider_ref = coalesce(provider_ref, $2), pay_url = coalesce(pay_url, $3), updated_at = now()
         WHERE id = $1
         RETURNING pay_url",
    )
    .bind(id.0)
    .bind(provider_ref)
    .bind(pay_url)
    .fetch_optional(pool)
    .await?;
    kept.ok_or_else(|| StorageError::Unexpected(format!("payment {id} is gone")))
}

/// One attempt, for a provider's notice about it.
pub async fn find(pool: &PgPool, id: PaymentId) -> Result<Option<Attempt>, StorageError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT p.id, p.booking, b.event, p.provider, p.provider_ref, p.pay_url, p.amount_minor, p.currency, p.state
         FROM payments p JOIN bookings b ON b.id = p.booking
         WHERE p.id = $1",
    )
    .bind(id.0)
    .fetch_optional(pool)
    .await?;
    row.map(attempt).transpose()
}

fn attempt(row: Row) -> Result<Attempt, StorageError> {
    Ok(Attempt {
        id: PaymentId(row.id),
        booking: BookingId(row.booking),
        event: EventId(row.event),
        provider: row.provider,
        provider_ref: row.provider_ref,
        pay_url: row.pay_url,
        amount_minor: row.amount_minor,
        currency: row.currency,
        state: row.state.parse().map_err(StorageError::Unexpected)?,
    })
}
