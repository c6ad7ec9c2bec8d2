//! What a batch of booking commands is decided with, once its rows are locked ([`super::locks`]). Every function is one statement over
//! the whole batch.

use goticket_domain::{
    AccountId, EventId,
    booking::{IdempotencyKey, Outcome, PayloadHash},
};
use iso_currency::Currency;
use jiff::Timestamp;
use sqlx::{FromRow, PgConnection, Row, postgres::PgRow, types::Json};
use uuid::Uuid;

use crate::StorageError;
use crate::columns::{currency, number, numbers, timestamp, unexpected, uuids};

/// A request that was decided before.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRequest {
    /// Whose.
    pub account: AccountId,
    /// Under which key.
    pub key: IdempotencyKey,
    /// For which event.
    pub event: EventId,
    /// What was asked for.
    pub payload_hash: PayloadHash,
    /// What was answered.
    pub outcome: Outcome,
}

/// What the organizer has set.
#[derive(Clone, Debug, PartialEq)]
pub struct EventTerms {
    /// Which event.
    pub event: EventId,
    /// Published, so that seats can be given at all.
    pub published: bool,
    /// Begin of the sale.
    pub onsale_at: Timestamp,
    /// Begin of the event, and with it the end of the sale.
    pub starts_at: Timestamp,
    /// How long a hold lasts, in seconds.
    pub hold_seconds: u32,
    /// Most tickets per account.
    pub ticket_limit: u32,
    /// Currency of the prices.
    pub currency: Currency,
    /// Price of each category, in minor units, by the category's number.
    pub prices: Vec<(u16, i64)>,
}

/// A seat that belongs to a live booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TakenSeat {
    /// Of which event.
    pub event: EventId,
    /// Of which section of it.
    pub section: u16,
    /// Its number.
    pub seat: u32,
    /// Paid for, not only held.
    pub sold: bool,
}

/// Which of these notices (provider, id) have had their effect.
pub async fn notices_seen(db: &mut PgConnection, notices: &[(String, String)]) -> Result<Vec<(String, String)>, StorageError> {
    let (providers, ids): (Vec<&str>, Vec<&str>) = notices.iter().map(|(provider, id)| (provider.as_str(), id.as_str())).unzip();
    // Primary key. A twin that has not committed is not seen here; the insert finds it.
    let seen = sqlx::query_as(
        "SELECT w.provider, w.id FROM webhooks_seen w
         JOIN UNNEST($1::text[], $2::text[]) AS asked (provider, id) USING (provider, id)",
    )
    .bind(providers)
    .bind(ids)
    .fetch_all(db)
    .await?;
    Ok(seen)
}

/// What was decided before under these keys.
pub async fn decided_requests(
    db: &mut PgConnection,
    keys: &[(AccountId, IdempotencyKey)],
) -> Result<Vec<StoredRequest>, StorageError> {
    // Primary key. After `lock_accounts`: a twin that decides the same key has committed or not begun.
    let rows = sqlx::query(
        "SELECT account, key, event, payload_hash, outcome FROM booking_requests
         JOIN UNNEST($1::uuid[], $2::text[]) AS asked (account, key) USING (account, key)",
    )
    .bind(uuids(keys, |(account, _)| account.0))
    .bind(keys.iter().map(|(_, key)| key.as_str()).collect::<Vec<_>>())
    .fetch_all(db)
    .await?;
    let read = |row: &PgRow| {
        let key: String = row.try_get("key")?;
        let hash: Vec<u8> = row.try_get("payload_hash")?;
        let Json(outcome) = row.try_get("outcome")?;
        Ok(StoredRequest {
            account: AccountId(row.try_get("account")?),
            key: IdempotencyKey::parse(&key).map_err(unexpected)?,
            event: EventId(row.try_get("event")?),
            payload_hash: PayloadHash(hash.try_into().map_err(|_| unexpected("a payload hash of another length"))?),
            outcome,
        })
    };
    rows.iter().map(read).collect()
}

/// The database's clock, and the terms of these events. Unknown events are left out.
pub async fn clock_and_terms(db: &mut PgConnection, events: &[EventId]) -> Result<(Timestamp, Vec<EventTerms>), StorageError> {
    // Primary keys of both tables; a handful of categories per event. The outer joins keep the clock's row when nothing is known.
    let rows = sqlx::query(
        "SELECT now.at AS now, e.id, e.status = 'published' AS published, e.onsale_at, e.starts_at, e.hold_seconds, e.ticket_limit, e.currency,
                ARRAY_AGG(c.no ORDER BY c.no) FILTER (WHERE c.no IS NOT NULL) AS categories,
                ARRAY_AGG(c.price_minor ORDER BY c.no) FILTER (WHERE c.no IS NOT NULL) AS prices
         FROM (SELECT clock_timestamp() AS at) AS now
         LEFT JOIN events e ON e.id = ANY($1)
         LEFT JOIN event_categories c ON c.event = e.id
         GROUP BY now.at, e.id",
    )
    .bind(uuids(events, |event| event.0))
    .fetch_all(db)
    .await?;
    let now = timestamp(rows.first().ok_or_else(|| unexpected("the clock has no row"))?, "now")?;
    let read = |row: &PgRow| {
        let Some(event) = row.try_get::<Option<Uuid>, _>("id")? else { return Ok(None) };
        let categories: Option<Vec<i16>> = row.try_get("categories")?;
        let prices: Option<Vec<i64>> = row.try_get("prices")?;
        let categories: Vec<u16> = numbers(&categories.unwrap_or_default(), |no| *no)?;
        Ok(Some(EventTerms {
            event: EventId(event),
            published: row.try_get("published")?,
            onsale_at: timestamp(row, "onsale_at")?,
            starts_at: timestamp(row, "starts_at")?,
            hold_seconds: number(row.try_get::<i32, _>("hold_seconds")?)?,
            ticket_limit: number(row.try_get::<i32, _>("ticket_limit")?)?,
            currency: currency(row.try_get("currency")?)?,
            prices: categories.into_iter().zip(prices.unwrap_or_default()).collect(),
        }))
    };
    let terms = rows.iter().filter_map(|row| read(row).transpose()).collect::<Result<_, StorageError>>()?;
    Ok((now, terms))
}

/// Every taken seat of these sections.
pub async fn taken_in_sections(db: &mut PgConnection, sections: &[(EventId, u16)]) -> Result<Vec<TakenSeat>, StorageError> {
    // booking_seats_by_section, then the bookings' primary key. A twin's uncommitted seats are not seen: the unique index
    // booking_seats_one_live refuses what would be given twice.
    let rows = sqlx::query_as(
        "SELECT s.event, s.section, s.seat, b.state = 'confirmed' AS sold
         FROM UNNEST($1::uuid[], $2::smallint[]) AS asked (event, section)
         JOIN booking_seats s ON s.event = asked.event AND s.section = asked.section AND s.live
         JOIN bookings b ON b.id = s.booking",
    )
    .bind(uuids(sections, |(event, _)| event.0))
    .bind(numbers::<_, _, i16>(sections, |(_, section)| *section)?)
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// Which of these seats are taken.
pub async fn taken_seats(db: &mut PgConnection, seats: &[(EventId, u32)]) -> Result<Vec<TakenSeat>, StorageError> {
    // booking_seats_one_live, then the bookings' primary key; a twin as above.
    let rows = sqlx::query_as(
        "SELECT s.event, s.section, s.seat, b.state = 'confirmed' AS sold
         FROM UNNEST($1::uuid[], $2::integer[]) AS asked (event, seat)
         JOIN booking_seats s ON s.event = asked.event AND s.seat = asked.seat AND s.live
         JOIN bookings b ON b.id = s.booking",
    )
    .bind(uuids(seats, |(event, _)| event.0))
    .bind(numbers::<_, _, i32>(seats, |(_, seat)| *seat)?)
    .fetch_all(db)
    .await?;
    Ok(rows)
}

impl FromRow<'_, PgRow> for TakenSeat {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let decode = |error: StorageError| sqlx::Error::Decode(error.into());
        Ok(Self {
            event: EventId(row.try_get("event")?),
            section: number(row.try_get::<i16, _>("section")?).map_err(decode)?,
            seat: number(row.try_get::<i32, _>("seat")?).map_err(decode)?,
            sold: row.try_get("sold")?,
        })
    }
}
