//! What a lane's owner has forgotten and needs again: bookings that ended, payments, answers, notices. One statement each over the whole
//! batch.

use goticket_domain::{
    AccountId, BookingId, Money, PaymentId,
    booking::{AnyBooking, IdempotencyKey, Outcome, PayloadHash, StoredPayment},
};
use sqlx::{PgConnection, Row as _, postgres::PgRow};
use uuid::Uuid;

use super::row::{BookingRow, booking_columns};
use crate::StorageError;
use crate::columns::{currency, parsed, unexpected, uuids};

/// A key with what was answered under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// Whose.
    pub account: AccountId,
    /// Under which key.
    pub key: IdempotencyKey,
    /// What was asked.
    pub payload_hash: PayloadHash,
    /// What was answered.
    pub outcome: Outcome,
}

/// These bookings in their states. Unknown ids and refused requests are left out.
pub async fn bookings(db: &mut PgConnection, ids: &[BookingId]) -> Result<Vec<AnyBooking>, StorageError> {
    // Primary key.
    let rows: Vec<BookingRow> = sqlx::query_as(concat!("SELECT ", booking_columns!(), " FROM bookings b WHERE b.id = ANY($1)"))
        .bind(uuids(ids, |id| id.0))
        .fetch_all(db)
        .await?;
    rows.iter().filter_map(|row| row.booking().transpose()).collect()
}

/// What was answered under these keys.
pub async fn answers(db: &mut PgConnection, keys: &[(AccountId, IdempotencyKey)]) -> Result<Vec<StoredAnswer>, StorageError> {
    #[derive(sqlx::FromRow)]
    struct Row {
        key: String,
        asker: Uuid,
        #[sqlx(flatten)]
        booking: BookingRow,
    }
    // bookings_one_outcome.
    let rows: Vec<Row> = sqlx::query_as(concat!(
        "SELECT b.key, b.account AS asker, ",
        booking_columns!(),
        " FROM UNNEST($1::uuid[], $2::text[]) AS asked (account, key) JOIN bookings b USING (account, key)"
    ))
    .bind(uuids(keys, |(account, _)| account.0))
    .bind(keys.iter().map(|(_, key)| key.as_str()).collect::<Vec<_>>())
    .fetch_all(db)
    .await?;
    let read = |row: &Row| {
        Ok(StoredAnswer {
            account: AccountId(row.asker),
            key: IdempotencyKey::parse(&row.key).map_err(unexpected)?,
            payload_hash: row.booking.payload_hash()?,
            outcome: row.booking.outcome()?,
        })
    };
    rows.iter().map(read).collect()
}

/// These payments. Unknown ids are left out.
pub async fn payments(db: &mut PgConnection, ids: &[PaymentId]) -> Result<Vec<(PaymentId, StoredPayment)>, StorageError> {
    // Primary key.
    let rows = sqlx::query(
        "SELECT id, booking, provider, amount_minor, currency::text AS currency, state FROM payments WHERE id = ANY($1)",
    )
    .bind(uuids(ids, |id| id.0))
    .fetch_all(db)
    .await?;
    let read = |row: &PgRow| {
        let asked = Money { amount_minor: row.try_get("amount_minor")?, currency: currency(row.try_get("currency")?)? };
        let (booking, provider) = (BookingId(row.try_get("booking")?), row.try_get("provider")?);
        let payment = StoredPayment { booking, provider, asked, state: parsed(row.try_get("state")?)? };
        Ok((PaymentId(row.try_get("id")?), payment))
    };
    rows.iter().map(read).collect()
}

/// Which of these notices (provider, id) have had their effect.
pub async fn notices(db: &mut PgConnection, notices: &[(String, String)]) -> Result<Vec<(String, String)>, StorageError> {
    let (providers, ids): (Vec<&str>, Vec<&str>) = notices.iter().map(|(provider, id)| (provider.as_str(), id.as_str())).unzip();
    // Primary key.
    let seen = sqlx::query_as(
        "SELECT w.provider, w.id FROM UNNEST($1::text[], $2::text[]) AS asked (provider, id) JOIN webhooks_seen w USING (provider, id)",
    )
    .bind(providers)
    .bind(ids)
    .fetch_all(db)
    .await?;
    Ok(seen)
}
