//! What a batch of booking commands changes. Every function is one statement over the whole batch, repeats the guard that the
//! decision was made under, and checks how many rows it changed: a difference is [`StorageError::Conflict`].

use goticket_domain::{
    AccountId, BookingId, EventId, Money, TicketId,
    booking::{BookingState, IdempotencyKey, Outcome, PayloadHash},
};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use crate::StorageError;
use crate::columns::{numbers, uuids};
use crate::guard::all;

/// A booking that came to be in this batch. It may have ended in it, too.
#[derive(Clone, Debug, PartialEq)]
pub struct NewBooking {
    /// Which.
    pub id: BookingId,
    /// Of which event.
    pub event: EventId,
    /// Of which section of it.
    pub section: u16,
    /// Whose.
    pub account: AccountId,
    /// Its state at the end of the batch.
    pub state: BookingState,
    /// What its seats cost together.
    pub total: Money,
    /// End of the hold.
    pub hold_expires_at: Timestamp,
    /// Seat numbers, ascending, each with its price in minor units.
    pub seats: Vec<(u32, i64)>,
}

/// A request that was decided in this batch.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRequest {
    /// Whose.
    pub account: AccountId,
    /// Under which key.
    pub key: IdempotencyKey,
    /// For which event.
    pub event: EventId,
    /// What was asked for.
    pub payload_hash: PayloadHash,
    /// What was decided.
    pub outcome: Outcome,
}

/// A booking that was there before this batch and has another state after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Which.
    pub booking: BookingId,
    /// The state it was read in.
    pub from: BookingState,
    /// The state it has now.
    pub to: BookingState,
    /// How many seats it has.
    pub seats: usize,
}

/// A ticket of a booking that was confirmed.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTicket {
    /// Which.
    pub id: TicketId,
    /// Of which booking.
    pub booking: BookingId,
    /// Of which event.
    pub event: EventId,
    /// For which seat.
    pub seat: u32,
    /// What its QR code carries.
    pub code: String,
}

/// Stores the outcomes.
pub async fn insert_requests(db: &mut PgConnection, requests: &[NewRequest], now: Timestamp) -> Result<(), StorageError> {
    // A twin that decided the same key is refused by the primary key, one that used the booking's id by its own index.
    let outcomes = requests.iter().map(|r| serde_json::to_string(&r.outcome)).collect::<Result<Vec<_>, _>>();
    let done = sqlx::query(
        "INSERT INTO booking_requests (account, key, booking, event, payload_hash, outcome, decided_at)
         SELECT account, key, booking, event, payload_hash, outcome::jsonb, $7
         FROM UNNEST($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::bytea[], $6::text[])
              AS decided (account, key, booking, event, payload_hash, outcome)
         ORDER BY account, key",
    )
    .bind(uuids(requests, |r| r.account.0))
    .bind(requests.iter().map(|r| r.key.as_str()).collect::<Vec<_>>())
    .bind(uuids(requests, |r| r.outcome.booking().0))
    .bind(uuids(requests, |r| r.event.0))
    .bind(requests.iter().map(|r| r.payload_hash.0.to_vec()).collect::<Vec<_>>())
    .bind(outcomes.map_err(|error| StorageError::Unexpected(error.to_string()))?)
    .bind(now.to_sqlx())
    .execute(db)
    .await?;
    all(done.rows_affected(), requests.len())
}

/// Makes the bookings, without their seats.
pub async fn insert_bookings(db: &mut PgConnection, bookings: &[NewBooking], now: Timestamp) -> Result<(), StorageError> {
    let done = sqlx::query(
        "INSERT INTO bookings (id, event, section, account, state, quantity, total_minor, currency, held_at, hold_expires_at, decided_at)
         SELECT id, event, section, account, state, quantity, total, currency, $10, expires, CASE WHEN state <> 'held' THEN $10 END
         FROM UNNEST($1::uuid[], $2::uuid[], $3::smallint[], $4::uuid[], $5::text[], $6::smallint[], $7::bigint[], $8::text[],
                     $9::timestamptz[])
              AS made (id, event, section, account, state, quantity, total, currency, expires)
         ORDER BY id",
    )
    .bind(uuids(bookings, |b| b.id.0))
    .bind(uuids(bookings, |b| b.event.0))
    .bind(numbers::<_, _, i16>(bookings, |b| b.section)?)
    .bind(uuids(bookings, |b| b.account.0))
    .bind(bookings.iter().map(|b| b.state.as_str()).collect::<Vec<_>>())
    .bind(numbers::<_, _, i16>(bookings, |b| b.seats.len())?)
    .bind(bookings.iter().map(|b| b.total.amount_minor).collect::<Vec<_>>())
    .bind(bookings.iter().map(|b| b.total.currency.code()).collect::<Vec<_>>())
    .bind(bookings.iter().map(|b| b.hold_expires_at.to_sqlx()).collect::<Vec<_>>())
    .bind(now.to_sqlx())
    .execute(db)
    .await?;
    all(done.rows_affected(), bookings.len())
}

/// Gives the new bookings their seats. To be called after [`release_seats`] and [`take_seats_again`]: what they free may be given here.
pub async fn insert_seats(db: &mut PgConnection, bookings: &[NewBooking]) -> Result<(), StorageError> {
    let seats: Vec<(&NewBooking, u32, i64)> =
        bookings.iter().flat_map(|booking| booking.seats.iter().map(move |&(seat, price)| (booking, seat, price))).collect();
    // In the order of booking_seats_one_live. A twin that gives one of these seats at the same time holds us up until it commits
    // (then that index refuses our row) or rolls back (then the seat is ours).
    let done = sqlx::query(
        "INSERT INTO booking_seats (booking, event, seat, section, price_minor, live)
         SELECT booking, event, seat, section, price, live
         FROM UNNEST($1::uuid[], $2::uuid[], $3::integer[], $4::smallint[], $5::bigint[], $6::boolean[])
              AS given (booking, event, seat, section, price, live)
         ORDER BY event, seat",
    )
    .bind(uuids(&seats, |(booking, ..)| booking.id.0))
    .bind(uuids(&seats, |(booking, ..)| booking.event.0))
    .bind(numbers::<_, _, i32>(&seats, |(_, seat, _)| *seat)?)
    .bind(numbers::<_, _, i16>(&seats, |(booking, ..)| booking.section)?)
    .bind(seats.iter().map(|(.., price)| *price).collect::<Vec<_>>())
    .bind(seats.iter().map(|(booking, ..)| booking.state.is_live()).collect::<Vec<_>>())
    .execute(db)
    .await?;
    all(done.rows_affected(), seats.len())
}

/// Changes bookings' states.
pub async fn change_states(db: &mut PgConnection, changes: &[Transition], now: Timestamp) -> Result<(), StorageError> {
    // Primary keys. The rows are locked since they were read; the guard catches whoever did not.
    let done = sqlx::query(
        "UPDATE bookings b SET state = change.after, decided_at = $4
         FROM UNNEST($1::uuid[], $2::text[], $3::text[]) AS change (booking, before, after)
         WHERE b.id = change.booking AND b.state = change.before",
    )
    .bind(uuids(changes, |change| change.booking.0))
    .bind(changes.iter().map(|change| change.from.as_str()).collect::<Vec<_>>())
    .bind(changes.iter().map(|change| change.to.as_str()).collect::<Vec<_>>())
    .bind(now.to_sqlx())
    .execute(db)
    .await?;
    all(done.rows_affected(), changes.len())
}

/// Frees the seats of those bookings that are live no longer.
pub async fn release_seats(db: &mut PgConnection, changes: &[Transition]) -> Result<(), StorageError> {
    let ended: Vec<Transition> = changes.iter().copied().filter(|c| c.from.is_live() && !c.to.is_live()).collect();
    if ended.is_empty() {
        return Ok(());
    }
    // Primary key by its first column.
    let done = sqlx::query("UPDATE booking_seats SET live = false WHERE booking = ANY($1) AND live")
        .bind(uuids(&ended, |change| change.booking.0))
        .execute(db)
        .await?;
    all(done.rows_affected(), ended.iter().map(|change| change.seats).sum())
}

/// Takes the seats of those bookings that are live again (paid late, and the seats were still free).
pub async fn take_seats_again(db: &mut PgConnection, changes: &[Transition]) -> Result<(), StorageError> {
    let revived: Vec<Transition> = changes.iter().copied().filter(|c| !c.from.is_live() && c.to.is_live()).collect();
    if revived.is_empty() {
        return Ok(());
    }
    // Primary key by its first column; a twin that gives one of the seats is met as in `insert_seats`.
    let done = sqlx::query("UPDATE booking_seats SET live = true WHERE booking = ANY($1) AND NOT live")
        .bind(uuids(&revived, |change| change.booking.0))
        .execute(db)
        .await?;
    all(done.rows_affected(), revived.iter().map(|change| change.seats).sum())
}

/// Sets the accounts' counters, which [`super::decide::lock_accounts`] has locked.
pub async fn set_tickets(db: &mut PgConnection, counters: &[(EventId, AccountId, u32)]) -> Result<(), StorageError> {
    let done = sqlx::query(
        "UPDATE account_tickets counter SET tickets = count.tickets
         FROM UNNEST($1::uuid[], $2::uuid[], $3::integer[]) AS count (event, account, tickets)
         WHERE counter.event = count.event AND counter.account = count.account",
    )
    .bind(uuids(counters, |(event, ..)| event.0))
    .bind(uuids(counters, |(_, account, _)| account.0))
    .bind(numbers::<_, _, i32>(counters, |(.., tickets)| *tickets)?)
    .execute(db)
    .await?;
    all(done.rows_affected(), counters.len())
}

/// Issues tickets.
pub async fn insert_tickets(db: &mut PgConnection, tickets: &[NewTicket], now: Timestamp) -> Result<(), StorageError> {
    let done = sqlx::query(
        "INSERT INTO tickets (id, booking, event, seat, code, issued_at)
         SELECT id, booking, event, seat, code, $6
         FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::integer[], $5::text[]) AS issued (id, booking, event, seat, code)",
    )
    .bind(uuids(tickets, |ticket| ticket.id.0))
    .bind(uuids(tickets, |ticket| ticket.booking.0))
    .bind(uuids(tickets, |ticket| ticket.event.0))
    .bind(numbers::<_, _, i32>(tickets, |ticket| ticket.seat)?)
    .bind(tickets.iter().map(|ticket| ticket.code.as_str()).collect::<Vec<_>>())
    .bind(now.to_sqlx())
    .execute(db)
    .await?;
    all(done.rows_affected(), tickets.len())
}
