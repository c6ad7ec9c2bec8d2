//! What fans read of their bookings. Nothing here changes anything.

use std::collections::HashMap;

use goticket_domain::booking::{AnyBooking, IdempotencyKey, Outcome, PayloadHash};
use goticket_domain::{AccountId, BookingId, EventId, SectionNo, TicketId};
use sqlx::PgPool;
use uuid::Uuid;

use super::row::{BookingRow, booking_columns};
use crate::StorageError;
use crate::columns::number;

/// A key that was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecidedRequest {
    /// For which event.
    pub event: EventId,
    /// Of which section of it.
    pub section: SectionNo,
    /// What was asked for.
    pub payload_hash: PayloadHash,
    /// What was decided.
    pub outcome: Outcome,
    /// What each of its seats cost when it was decided; empty where there are none.
    pub prices: Vec<i64>,
}

/// A ticket of a booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketView {
    /// Its id.
    pub id: TicketId,
    /// The booking it belongs to.
    pub booking: BookingId,
    /// The event.
    pub event: EventId,
    /// Seat number.
    pub seat: u32,
    /// What the QR code carries.
    pub code: String,
}

/// One booking in its state, whoever it belongs to: the caller compares accounts. None for a request that was refused.
pub async fn booking(pool: &PgPool, id: BookingId) -> Result<Option<AnyBooking>, StorageError> {
    // Primary key.
    let row: Option<BookingRow> = sqlx::query_as(concat!("SELECT ", booking_columns!(), " FROM bookings b WHERE b.id = $1"))
        .bind(id.0)
        .fetch_optional(pool)
        .await?;
    row.map_or(Ok(None), |row| row.booking())
}

/// What was decided under these keys of accounts, as far as something was.
pub async fn by_keys(
    pool: &PgPool,
    keys: &[(AccountId, IdempotencyKey)],
) -> Result<HashMap<(AccountId, IdempotencyKey), DecidedRequest>, StorageError> {
    #[derive(sqlx::FromRow)]
    struct Row {
        asked: i64,
        #[sqlx(flatten)]
        booking: BookingRow,
    }
    // bookings_one_outcome.
    let rows: Vec<Row> = sqlx::query_as(concat!(
        "SELECT asked.no AS asked, ",
        booking_columns!(),
        " FROM UNNEST($1::uuid[], $2::text[]) WITH ORDINALITY AS asked (account, key, no) JOIN bookings b USING (account, key)"
    ))
    .bind(keys.iter().map(|(account, _)| account.0).collect::<Vec<_>>())
    .bind(keys.iter().map(|(_, key)| key.as_str()).collect::<Vec<_>>())
    .fetch_all(pool)
    .await?;
    let of_key = |row: &Row| {
        let asked = usize::try_from(row.asked - 1).ok().and_then(|index| keys.get(index));
        let asked = asked.ok_or_else(|| StorageError::Unexpected(format!("key {} of {}", row.asked, keys.len())))?;
        Ok((asked.clone(), decided(&row.booking)?))
    };
    rows.iter().map(of_key).collect()
}

/// Which of an account's keys were decided, and whether they were refused.
pub async fn decided_keys(pool: &PgPool, account: AccountId, keys: &[String]) -> Result<Vec<(String, bool)>, StorageError> {
    // bookings_one_outcome.
    let rows = sqlx::query_as("SELECT key, refusal IS NOT NULL FROM bookings WHERE account = $1 AND key = ANY($2)");
    Ok(rows.bind(account.0).bind(keys).fetch_all(pool).await?)
}

/// What was decided for the request that was answered under this booking id, if it is this account's.
pub async fn by_booking(pool: &PgPool, account: AccountId, booking: BookingId) -> Result<Option<DecidedRequest>, StorageError> {
    // Primary key.
    let row: Option<BookingRow> =
        sqlx::query_as(concat!("SELECT ", booking_columns!(), " FROM bookings b WHERE b.id = $1 AND b.account = $2"))
            .bind(booking.0)
            .bind(account.0)
            .fetch_optional(pool)
            .await?;
    row.as_ref().map(decided).transpose()
}

/// The tickets of a booking by seat; empty until it is confirmed.
pub async fn tickets(pool: &PgPool, booking: BookingId) -> Result<Vec<TicketView>, StorageError> {
    let rows: Vec<TicketRow> =
        sqlx::query_as("SELECT id, booking, event, seat, code FROM tickets WHERE booking = $1 ORDER BY seat")
            .bind(booking.0)
            .fetch_all(pool)
            .await?;
    rows.into_iter().map(ticket_view).collect()
}

/// One ticket, and the account that holds its booking: the caller decides who sees it.
pub async fn ticket(pool: &PgPool, id: TicketId) -> Result<Option<(TicketView, AccountId)>, StorageError> {
    type Row = (Uuid, Uuid, Uuid, i32, String, Uuid);
    let row: Option<Row> = sqlx::query_as(
        "SELECT t.id, t.booking, t.event, t.seat, t.code, b.account
         FROM tickets t JOIN bookings b ON b.id = t.booking
         WHERE t.id = $1",
    )
    .bind(id.0)
    .fetch_optional(pool)
    .await?;
    let held =
        |(id, booking, event, seat, code, account)| Ok((ticket_view((id, booking, event, seat, code))?, AccountId(account)));
    row.map(held).transpose()
}

type TicketRow = (Uuid, Uuid, Uuid, i32, String);

fn ticket_view((id, booking, event, seat, code): TicketRow) -> Result<TicketView, StorageError> {
    Ok(TicketView { id: TicketId(id), booking: BookingId(booking), event: EventId(event), seat: number(seat)?, code })
}

fn decided(row: &BookingRow) -> Result<DecidedRequest, StorageError> {
    Ok(DecidedRequest {
        event: EventId(row.event),
        section: row.section()?,
        payload_hash: row.payload_hash()?,
        outcome: row.outcome()?,
        prices: row.prices.clone(),
    })
}
