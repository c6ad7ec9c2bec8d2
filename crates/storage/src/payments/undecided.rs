//! Payments whose end is still unknown: what the provider has not answered, and what must go back.

use goticket_domain::payment::PaymentState;
use goticket_domain::{BookingId, EventId, Money, PaymentId};
use jiff::SignedDuration;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use crate::StorageError;

/// One of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Undecided {
    /// Which payment.
    pub payment: PaymentId,
    /// For which booking.
    pub booking: BookingId,
    /// Of which event.
    pub event: EventId,
    /// The provider's name.
    pub provider: String,
    /// The provider's id of it.
    pub provider_ref: String,
    /// What was asked for.
    pub amount: Money,
    /// `Open`, `Declined` or `RefundDue`.
    pub state: PaymentState,
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    booking: Uuid,
    event: Uuid,
    provider: String,
    provider_ref: String,
    amount_minor: i64,
    currency: String,
    state: String,
}

/// Takes up to `limit` payments at `provider` that may have been paid without our knowing: open ones, and declined ones, of which
/// the fan may have tried another card. A concurrent call takes others, and the same one comes back only after `pause` and a
/// quarter of its age, or, if its booking's hold ended longer than `ask_for` ago, never: this was the last question, asked after
/// that time and not before it.
/// Those the provider never answered about are left out: no fan has seen a page on which they could pay.
pub async fn take_unanswered(
    pool: &PgPool,
    provider: &str,
    pause: SignedDuration,
    ask_for: SignedDuration,
    limit: u32,
) -> Result<Vec<Undecided>, StorageError> {
    // The states stand in the text, so that the planner can prove that `payments_to_ask` serves it.
    let rows: Vec<Row> = sqlx::query_as(
        "WITH due AS (
             SELECT id FROM payments
             WHERE state IN ('open', 'declined') AND provider = $1 AND provider_ref IS NOT NULL
               AND ask_from < now() - $2 * interval '1 millisecond'
             ORDER BY ask_from, id
             LIMIT $3
             FOR UPDATE SKIP LOCKED)
         UPDATE payments p
         SET ask_from = CASE WHEN now() < b.hold_expires_at + $4 * interval '1 millisecond' THEN now() + (now() - p.created_at) / 4 END
         FROM due, bookings b
         WHERE p.id = due.id AND b.id = p.booking
         RETURNING p.id, p.booking, b.event, p.provider, p.provider_ref, p.amount_minor, p.currency, p.state",
    )
    .bind(provider)
    .bind(millis(pause))
    .bind(i64::from(limit))
    .bind(millis(ask_for))
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(undecided).collect()
}

/// Takes up to `limit` payments at `provider` that must go back and that nobody has touched for `pause`, and touches them: a
/// concurrent call takes others, and the same one comes back only after a pause, which grows with its age (a quarter of it).
pub async fn take_refunds(
    pool: &PgPool,
    provider: &str,
    pause: SignedDuration,
    limit: u32,
) -> Result<Vec<Undecided>, StorageError> {
    // The state stands in the text, so that the planner can prove that `payments_refund_due` serves it.
    let rows: Vec<Row> = sqlx::query_as(
        "WITH due AS (
             SELECT id FROM payments
             WHERE state = 'refund_due' AND provider = $1 AND provider_ref IS NOT NULL
               AND updated_at < now() - $2 * interval '1 millisecond'
               AND updated_at < now() - (now() - created_at) / 4
             ORDER BY updated_at, id
             LIMIT $3
             FOR UPDATE SKIP LOCKED)
         UPDATE payments p SET updated_at = now()
         FROM due, bookings b
         WHERE p.id = due.id AND b.id = p.booking
         RETURNING p.id, p.booking, b.event, p.provider, p.provider_ref, p.amount_minor, p.currency, p.state",
    )
    .bind(provider)
    .bind(millis(pause))
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(undecided).collect()
}

fn millis(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn undecided(row: Row) -> Result<Undecided, StorageError> {
    let unknown = || StorageError::Unexpected(format!("payment {} has an unknown currency", row.id));
    let currency = iso_currency::Currency::from_code(&row.currency).ok_or_else(unknown)?;
    Ok(Undecided {
        payment: PaymentId(row.id),
        booking: BookingId(row.booking),
        event: EventId(row.event),
        provider: row.provider,
        provider_ref: row.provider_ref,
        amount: Money { amount_minor: row.amount_minor, currency },
        state: row.state.parse().map_err(StorageError::Unexpected)?,
    })
}
