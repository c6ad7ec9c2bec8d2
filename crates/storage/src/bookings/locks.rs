//! What a batch of booking commands locks and reads before it is decided. Every function is one statement over the whole batch.
//!
//! Locks are taken in one order, everywhere: sections, bookings by id, payments by id, accounts' counters by event and account, and
//! last the entries of the index `booking_seats_one_live` by event and seat. So two batches wait for each other, but never in a ring.

use std::collections::HashMap;

use goticket_domain::{AccountId, BookingId, EventId, Money, PaymentId, booking::BookingState, payment::PaymentState};
use jiff::Timestamp;
use sqlx::{PgConnection, Row as _, postgres::PgRow};
use uuid::Uuid;

use crate::StorageError;
use crate::columns::{currency, number, numbers, parsed, timestamp, uuids};

/// A booking as it stands, with all its seats.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredBooking {
    /// Which.
    pub id: BookingId,
    /// Of which event.
    pub event: EventId,
    /// Of which section of it.
    pub section: u16,
    /// Whose.
    pub account: AccountId,
    /// Its state.
    pub state: BookingState,
    /// End of the hold.
    pub hold_expires_at: Timestamp,
    /// Seat numbers, ascending.
    pub seats: Vec<u32>,
}

/// A payment as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredPayment {
    /// Which.
    pub id: PaymentId,
    /// For which booking.
    pub booking: BookingId,
    /// At which provider.
    pub provider: String,
    /// What was asked for.
    pub amount: Money,
    /// Its state.
    pub state: PaymentState,
}

/// Waits until no other transaction decides for these sections, and lets none until the end of this one.
///
/// Normally nobody does: a section's queue has one consumer. At a hand-over the old one may still be at it. Taken before anything that
/// gives this transaction its id, so that of two transactions about one booking the later has the higher id: the outbox's order.
pub async fn lock_sections(db: &mut PgConnection, sections: &[(EventId, u16)]) -> Result<(), StorageError> {
    // An advisory lock needs no transaction id, unlike a row's. In order, so that a twin waits instead of closing a ring.
    sqlx::query(
        "SELECT pg_advisory_xact_lock(hashtextextended(event || ':' || section, 0))
         FROM (SELECT event, section FROM UNNEST($1::uuid[], $2::smallint[]) AS asked (event, section)
               ORDER BY event, section) AS in_order",
    )
    .bind(uuids(sections, |(event, _)| event.0))
    .bind(numbers::<_, _, i16>(sections, |(_, section)| *section)?)
    .execute(db)
    .await?;
    Ok(())
}

/// Locks these bookings until the end of the transaction and reads them with their seats. Unknown ids are left out.
pub async fn lock_bookings(db: &mut PgConnection, ids: &[BookingId]) -> Result<Vec<StoredBooking>, StorageError> {
    // Primary keys. Ordered, so that a twin waits instead of closing a ring. NO KEY: what refers to a booking is not held up.
    // A seat list never changes, so a second statement may read it.
    let rows = sqlx::query(
        "SELECT id, event, section, account, state, hold_expires_at FROM bookings
         WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
    )
    .bind(uuids(ids, |id| id.0))
    .fetch_all(&mut *db)
    .await?;
    let seats: Vec<(Uuid, i32)> =
        sqlx::query_as("SELECT booking, seat FROM booking_seats WHERE booking = ANY($1) ORDER BY booking, seat")
            .bind(uuids(ids, |id| id.0))
            .fetch_all(db)
            .await?;
    let read = |row: &PgRow| {
        let id: Uuid = row.try_get("id")?;
        let own = seats.partition_point(|(booking, _)| *booking < id)..seats.partition_point(|(booking, _)| *booking <= id);
        Ok(StoredBooking {
            id: BookingId(id),
            event: EventId(row.try_get("event")?),
            section: number(row.try_get::<i16, _>("section")?)?,
            account: AccountId(row.try_get("account")?),
            state: parsed(row.try_get("state")?)?,
            hold_expires_at: timestamp(row, "hold_expires_at")?,
            seats: numbers(&seats[own], |(_, seat)| *seat)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Locks these payments until the end of the transaction and reads them.
pub async fn lock_payments(db: &mut PgConnection, ids: &[PaymentId]) -> Result<Vec<StoredPayment>, StorageError> {
    // Primary keys, ordered. A twin with another notice of the same payment waits here and then sees what became of it.
    let rows = sqlx::query(
        "SELECT id, booking, provider, amount_minor, currency, state FROM payments
         WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
    )
    .bind(uuids(ids, |id| id.0))
    .fetch_all(db)
    .await?;
    let read = |row: &PgRow| {
        Ok(StoredPayment {
            id: PaymentId(row.try_get("id")?),
            booking: BookingId(row.try_get("booking")?),
            provider: row.try_get("provider")?,
            amount: Money { amount_minor: row.try_get("amount_minor")?, currency: currency(row.try_get("currency")?)? },
            state: parsed(row.try_get("state")?)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Locks the counters of these accounts until the end of the transaction and reads how many tickets each has.
///
/// This also puts two requests of one account in a row, whatever their sections: the second reads what the first stored.
pub async fn lock_accounts(db: &mut PgConnection, accounts: &[(EventId, AccountId)]) -> Result<Vec<u32>, StorageError> {
    // One statement that makes, locks and reads a row, so that there is no gap between "is not there" and "make it". Primary key
    // order: a twin waits for the first row it shares with us and holds none that we still want.
    let rows: Vec<(Uuid, Uuid, i32)> = sqlx::query_as(
        "INSERT INTO account_tickets AS counter (event, account, tickets)
         SELECT event, account, 0 FROM UNNEST($1::uuid[], $2::uuid[]) AS asked (event, account)
         GROUP BY event, account ORDER BY event, account
         ON CONFLICT (event, account) DO UPDATE SET tickets = counter.tickets
         RETURNING event, account, tickets",
    )
    .bind(uuids(accounts, |(event, _)| event.0))
    .bind(uuids(accounts, |(_, account)| account.0))
    .fetch_all(db)
    .await?;
    let counts: HashMap<_, _> = rows.into_iter().map(|(event, account, tickets)| ((event, account), tickets)).collect();
    let count = |(event, account): &(EventId, AccountId)| match counts.get(&(event.0, account.0)) {
        Some(tickets) => number(*tickets),
        None => Err(StorageError::Unexpected("a counter that was locked has no row".to_owned())),
    };
    accounts.iter().map(count).collect()
}
