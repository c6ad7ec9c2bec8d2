//! What fans read of their bookings. Nothing here changes anything.

use goticket_domain::booking::{BookingState, IdempotencyKey, Outcome, PayloadHash};
use goticket_domain::{AccountId, BookingId, EventId, TicketId};
use jiff::Timestamp;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use crate::StorageError;
use crate::columns::{number, numbers};

/// A booking that came to be, with its seats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookingView {
    /// Its id.
    pub id: BookingId,
    /// What it is for.
    pub event: EventId,
    /// Section of all its seats.
    pub section: u16,
    /// Whose it is.
    pub account: AccountId,
    /// Where it stands.
    pub state: BookingState,
    /// Price of all seats.
    pub total_minor: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// End of the hold.
    pub hold_expires_at: Timestamp,
    /// Seat numbers and prices, ascending.
    pub seats: Vec<(u32, i64)>,
}

/// A key that was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecidedRequest {
    /// For which event.
    pub event: EventId,
    /// What was asked for.
    pub payload_hash: PayloadHash,
    /// What was decided.
    pub outcome: Outcome,
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

#[derive(FromRow)]
struct Row {
    id: Uuid,
    event: Uuid,
    section: i16,
    account: Uuid,
    state: String,
    total_minor: i64,
    currency: String,
    hold_expires_at: jiff_sqlx::Timestamp,
    seats: Vec<i32>,
    prices: Vec<i64>,
}

/// One booking, whoever it belongs to: the caller compares accounts.
pub async fn booking(pool: &PgPool, id: BookingId) -> Result<Option<BookingView>, StorageError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT b.id, b.event, b.section, b.account, b.state, b.total_minor, b.currency, b.hold_expires_at, s.seats, s.prices
         FROM bookings b,
              LATERAL (SELECT array_agg(seat ORDER BY seat) AS seats, array_agg(price_minor ORDER BY seat) AS prices
                       FROM booking_seats WHERE booking = b.id) s
         WHERE b.id = $1",
    )
    .bind(id.0)
    .fetch_optional(pool)
    .await?;
    row.map(view).transpose()
}

/// What was decided under an account's key, by the primary key of `booking_requests`.
pub async fn by_key(pool: &PgPool, account: AccountId, key: &IdempotencyKey) -> Result<Option<DecidedRequest>, StorageError> {
    let row: Option<(Uuid, Vec<u8>, serde_json::Value)> =
        sqlx::query_as("SELECT event, payload_hash, outcome FROM booking_requests WHERE account = $1 AND key = $2")
            .bind(account.0)
            .bind(key.as_str())
            .fetch_optional(pool)
            .await?;
    row.map(decided).transpose()
}

/// What was decided for the request that was answered under this booking id, if it is this account's.
pub async fn by_booking(pool: &PgPool, account: AccountId, booking: BookingId) -> Result<Option<DecidedRequest>, StorageError> {
    let row: Option<(Uuid, Vec<u8>, serde_json::Value)> =
        sqlx::query_as("SELECT event, payload_hash, outcome FROM booking_requests WHERE booking = $1 AND account = $2")
            .bind(booking.0)
            .bind(account.0)
            .fetch_optional(pool)
            .await?;
    row.map(decided).transpose()
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

/// One ticket of this account.
pub async fn ticket(pool: &PgPool, account: AccountId, id: TicketId) -> Result<Option<TicketView>, StorageError> {
    let row: Option<TicketRow> = sqlx::query_as(
        "SELECT t.id, t.booking, t.event, t.seat, t.code
         FROM tickets t JOIN bookings b ON b.id = t.booking
         WHERE t.id = $1 AND b.account = $2",
    )
    .bind(id.0)
    .bind(account.0)
    .fetch_optional(pool)
    .await?;
    row.map(ticket_view).transpose()
}

type TicketRow = (Uuid, Uuid, Uuid, i32, String);

fn ticket_view((id, booking, event, seat, code): TicketRow) -> Result<TicketView, StorageError> {
    Ok(TicketView { id: TicketId(id), booking: BookingId(booking), event: EventId(event), seat: number(seat)?, code })
}

fn view(row: Row) -> Result<BookingView, StorageError> {
    let seats: Vec<u32> = numbers(&row.seats, |seat| *seat)?;
    Ok(BookingView {
        id: BookingId(row.id),
        event: EventId(row.event),
        section: number(row.section)?,
        account: AccountId(row.account),
        state: row.state.parse().map_err(StorageError::Unexpected)?,
        total_minor: row.total_minor,
        currency: row.currency,
        hold_expires_at: row.hold_expires_at.to_jiff(),
        seats: seats.into_iter().zip(row.prices).collect(),
    })
}

fn decided((event, hash, outcome): (Uuid, Vec<u8>, serde_json::Value)) -> Result<DecidedRequest, StorageError> {
    let hash = <[u8; 32]>::try_from(hash).map_err(|_| StorageError::Unexpected("a payload hash of another length".into()))?;
    let outcome = serde_json::from_value(outcome).map_err(|error| StorageError::Unexpected(error.to_string()))?;
    Ok(DecidedRequest { event: EventId(event), payload_hash: PayloadHash(hash), outcome })
}
