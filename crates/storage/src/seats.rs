//! Seats: written once with their event, never changed; and who has them now.

use std::collections::HashMap;

use goticket_contracts::redis_keys::seat_state;
use goticket_domain::booking::{BookingState, TakenSeat};
use goticket_domain::{AccountId, BookingId, EventId, SeatNo};
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

use crate::StorageError;
use crate::columns::{number, numbers};

/// Rows of one INSERT: enough to make round trips cheap, small enough for a statement time-out.
const INSERT_ROWS: usize = 10_000;

/// One place of an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Seat {
    /// Number within the event.
    pub no: u32,
    /// Its section.
    pub section: u16,
    /// Running row within the section.
    pub row_no: u16,
    /// Run of neighbours within the row.
    pub block: u16,
    /// How tickets call the row; empty for standing places.
    pub row_label: String,
    /// The number shown.
    pub number: String,
    /// Stable id, unique in the event.
    pub guid: String,
    /// Price category.
    pub category: u16,
    /// Position in pixels; None for standing places.
    pub x: Option<f32>,
    /// Position in pixels, downwards; None for standing places.
    pub y: Option<f32>,
}

#[derive(FromRow)]
struct SeatRow {
    no: i32,
    section: i16,
    row_no: i16,
    block: i16,
    row_label: String,
    number: String,
    guid: String,
    category: i16,
    x: Option<f32>,
    y: Option<f32>,
}

/// Writes all seats of an event.
pub async fn insert(tx: &mut PgConnection, event: EventId, seats: &[Seat]) -> Result<(), StorageError> {
    for chunk in seats.chunks(INSERT_ROWS) {
        let done = sqlx::query(
            "INSERT INTO seats (event, no, section, row_no, block, row_label, number, guid, category, x, y)
             SELECT $1, * FROM UNNEST($2::integer[], $3::smallint[], $4::smallint[], $5::smallint[], $6::text[], $7::text[],
                                      $8::text[], $9::smallint[], $10::real[], $11::real[])",
        )
        .bind(event.0)
        .bind(numbers::<_, _, i32>(chunk, |s| s.no)?)
        .bind(numbers::<_, _, i16>(chunk, |s| s.section)?)
        .bind(numbers::<_, _, i16>(chunk, |s| s.row_no)?)
        .bind(numbers::<_, _, i16>(chunk, |s| s.block)?)
        .bind(chunk.iter().map(|s| s.row_label.as_str()).collect::<Vec<_>>())
        .bind(chunk.iter().map(|s| s.number.as_str()).collect::<Vec<_>>())
        .bind(chunk.iter().map(|s| s.guid.as_str()).collect::<Vec<_>>())
        .bind(numbers::<_, _, i16>(chunk, |s| s.category)?)
        .bind(chunk.iter().map(|s| s.x).collect::<Vec<_>>())
        .bind(chunk.iter().map(|s| s.y).collect::<Vec<_>>())
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() != chunk.len() as u64 {
            return Err(StorageError::Unexpected(format!("{} of {} seats written", done.rows_affected(), chunk.len())));
        }
    }
    Ok(())
}

/// All seats of an event by number.
pub async fn all(pool: &PgPool, event: EventId) -> Result<Vec<Seat>, StorageError> {
    let rows: Vec<SeatRow> = sqlx::query_as(
        "SELECT no, section, row_no, block, row_label, number, guid, category, x, y FROM seats WHERE event = $1 ORDER BY no",
    )
    .bind(event.0)
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(seat).collect()
}

/// Who has these seats of events, as far as they are not free.
pub async fn takers(pool: &PgPool, seats: &[(EventId, SeatNo)]) -> Result<HashMap<(EventId, SeatNo), TakenSeat>, StorageError> {
    // The primary key of taken_seats.
    let rows: Vec<(Uuid, i32, Uuid, Uuid, bool, jiff_sqlx::Timestamp)> = sqlx::query_as(
        "SELECT s.event, s.seat, b.id, b.account, b.state = 'confirmed', b.hold_expires_at
         FROM UNNEST($1::uuid[], $2::int[]) AS asked (event, seat)
         JOIN taken_seats s USING (event, seat) JOIN bookings b ON b.id = s.booking",
    )
    .bind(seats.iter().map(|(event, _)| event.0).collect::<Vec<_>>())
    .bind(numbers::<_, _, i32>(seats, |(_, seat)| seat.0)?)
    .fetch_all(pool)
    .await?;
    let mut taken = HashMap::with_capacity(rows.len());
    for (event, seat, booking, account, sold, until) in rows {
        let seat = SeatNo(number(seat)?);
        let state = if sold { BookingState::Confirmed } else { BookingState::Held };
        let (booking, account, until) = (BookingId(booking), AccountId(account), until.to_jiff());
        taken.insert((EventId(event), seat), TakenSeat { seat, booking, account, state, until });
    }
    Ok(taken)
}

/// How many seats no live booking has, of these categories where they are named; none for an event that has no seats at all. Counts them:
/// some milliseconds for a stadium.
pub async fn free(pool: &PgPool, event: EventId, categories: Option<&[u16]>) -> Result<Option<u64>, StorageError> {
    let categories = categories.map(|categories| numbers::<_, _, i16>(categories, |no| *no)).transpose()?;
    // The primary keys of both. A concurrent batch is in it wholly or not at all.
    let (seats, free): (i64, i64) = sqlx::query_as(
        "SELECT count(*), count(*) FILTER (WHERE t.seat IS NULL AND ($2::smallint[] IS NULL OR s.category = ANY($2)))
         FROM seats s LEFT JOIN taken_seats t ON t.event = s.event AND t.seat = s.no WHERE s.event = $1",
    )
    .bind(event.0)
    .bind(categories)
    .fetch_one(pool)
    .await?;
    (seats > 0).then(|| number(free)).transpose()
}

/// The seats from `first` to `last` that are not free: number and state (see [`seat_state`]). Served by the primary key of `taken_seats`.
/// A concurrent batch is in it wholly or not at all.
pub async fn taken(pool: &PgPool, event: EventId, first: u32, last: u32) -> Result<Vec<(u32, u8)>, StorageError> {
    let rows: Vec<(i32, bool)> = sqlx::query_as(
        "SELECT s.seat, b.state = 'confirmed'
         FROM taken_seats s JOIN bookings b ON b.id = s.booking
         WHERE s.event = $1 AND s.seat BETWEEN $2 AND $3",
    )
    .bind(event.0)
    .bind(i32::try_from(first).unwrap_or(i32::MAX))
    .bind(i32::try_from(last).unwrap_or(i32::MAX))
    .fetch_all(pool)
    .await?;
    let state = |sold| if sold { seat_state::SOLD } else { seat_state::HELD };
    rows.into_iter().map(|(no, sold)| Ok((number(no)?, state(sold)))).collect()
}

fn seat(row: SeatRow) -> Result<Seat, StorageError> {
    Ok(Seat {
        no: number(row.no)?,
        section: number(row.section)?,
        row_no: number(row.row_no)?,
        block: number(row.block)?,
        row_label: row.row_label,
        number: row.number,
        guid: row.guid,
        category: number(row.category)?,
        x: row.x,
        y: row.y,
    })
}
