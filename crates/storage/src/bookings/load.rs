//! An event as its lane's owner needs it in memory: terms, sections, live bookings.

use goticket_domain::{
    CategoryNo, EventId,
    booking::{AnyBooking, SectionPlan, Terms},
    lane::LaneNo,
    seating::{LayoutSeat, LayoutSection, SectionKind},
};
use jiff::Timestamp;
use sqlx::{Connection as _, PgConnection, Row as _, postgres::PgRow};
use uuid::Uuid;

use super::row::{BookingRow, booking_columns};
use crate::StorageError;
use crate::columns::{currency, number, numbers, parsed, timestamp, uuids};
use crate::lanes::Fence;

/// The live bookings of an event, at one moment of its lane.
#[derive(Debug)]
pub struct LiveBookings {
    /// Every held or confirmed booking.
    pub bookings: Vec<AnyBooking>,
    /// Where the lane stood then; none if the epoch is another one by now.
    pub fence: Option<Fence>,
}

/// Reads the live bookings of an event together with its lane's row, in one snapshot.
pub async fn live_bookings(
    db: &mut PgConnection,
    event: EventId,
    lane: LaneNo,
    epoch: i64,
) -> Result<LiveBookings, StorageError> {
    let mut tx = db.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let fence = crate::lanes::fence(&mut tx, lane, epoch).await?;
    // The primary key of taken_seats by its first column, then that of bookings. A live booking has all its seats there.
    let rows: Vec<BookingRow> = sqlx::query_as(concat!(
        "SELECT ",
        booking_columns!(),
        " FROM (SELECT DISTINCT booking FROM taken_seats WHERE event = $1) t JOIN bookings b ON b.id = t.booking"
    ))
    .bind(event.0)
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let bookings = rows.iter().filter_map(|row| row.booking().transpose()).collect::<Result<_, _>>()?;
    Ok(LiveBookings { bookings, fence })
}

/// The terms of these events. Unknown events are left out.
pub async fn terms(db: &mut PgConnection, events: &[EventId]) -> Result<Vec<(EventId, Terms)>, StorageError> {
    // Primary keys of both tables; a handful of categories per event.
    let rows = sqlx::query(
        "SELECT e.id, e.status, e.onsale_at, e.starts_at, e.hold_seconds, e.ticket_limit, e.currency::text AS currency,
                coalesce(c.categories, '{}') AS categories, coalesce(c.prices, '{}') AS prices
         FROM events e
         CROSS JOIN LATERAL (SELECT array_agg(no ORDER BY no) AS categories, array_agg(price_minor ORDER BY no) AS prices
                             FROM event_categories WHERE event = e.id) AS c
         WHERE e.id = ANY($1)",
    )
    .bind(uuids(events, |event| event.0))
    .fetch_all(db)
    .await?;
    let read = |row: &PgRow| {
        let categories: Vec<u16> = numbers(&row.try_get::<Vec<i16>, _>("categories")?, |no| *no)?;
        let prices: Vec<i64> = row.try_get("prices")?;
        let terms = Terms {
            status: parsed(row.try_get("status")?)?,
            onsale_at: timestamp(row, "onsale_at")?,
            starts_at: timestamp(row, "starts_at")?,
            hold_seconds: number(row.try_get::<i32, _>("hold_seconds")?)?,
            ticket_limit: number(row.try_get::<i32, _>("ticket_limit")?)?,
            currency: currency(row.try_get("currency")?)?,
            prices: categories.into_iter().map(CategoryNo).zip(prices).collect(),
        };
        Ok((EventId(row.try_get("id")?), terms))
    };
    rows.iter().map(read).collect()
}

/// The database's clock.
pub async fn clock(db: &mut PgConnection) -> Result<Timestamp, StorageError> {
    let now: jiff_sqlx::Timestamp = sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(db).await?;
    Ok(now.to_jiff())
}

/// Every section of an event with its seats, as far as choosing among them needs to know. They never change.
pub async fn sections(db: &mut PgConnection, event: EventId) -> Result<Vec<SectionPlan>, StorageError> {
    let heads: Vec<(i16, String, i32)> =
        sqlx::query_as("SELECT no, kind, first_seat FROM event_sections WHERE event = $1 ORDER BY no")
            .bind(event.0)
            .fetch_all(&mut *db)
            .await?;
    let mut plans = Vec::with_capacity(heads.len());
    for (no, kind, first_seat) in heads {
        let kind = if kind == "standing" { SectionKind::Standing } else { SectionKind::Seated };
        let section = LayoutSection {
            no: number(no)?,
            name: String::new(),
            kind,
            area: None,
            first_seat: number(first_seat)?,
            seats: section_seats(db, event.0, no).await?,
        };
        plans.push(SectionPlan::new(&section));
    }
    Ok(plans)
}

async fn section_seats(db: &mut PgConnection, event: Uuid, section: i16) -> Result<Vec<LayoutSeat>, StorageError> {
    // seats_by_section.
    let rows = sqlx::query("SELECT no, row_no, block, category, x, y FROM seats WHERE event = $1 AND section = $2 ORDER BY no")
        .bind(event)
        .bind(section)
        .fetch_all(db)
        .await?;
    let read = |row: &PgRow| {
        Ok(LayoutSeat {
            no: number(row.try_get::<i32, _>("no")?)?,
            row: number(row.try_get::<i16, _>("row_no")?)?,
            block: number(row.try_get::<i16, _>("block")?)?,
            row_label: String::new(),
            number: String::new(),
            guid: String::new(),
            category: number(row.try_get::<i16, _>("category")?)?,
            x: row.try_get("x")?,
            y: row.try_get("y")?,
        })
    };
    rows.iter().map(read).collect()
}
