//! Events on sale: their schedule, price categories and sections; making, changing and publishing them.

use goticket_domain::catalog::{EventStatus, OnsaleKind};
use goticket_domain::queue::RoomSettings;
use goticket_domain::{EventId, OrganizationId, VenueId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

use crate::columns::{number, numbers, parsed, uuids};
use crate::onsales::{self, Onsale};
use crate::{StorageError, rooms};

/// An event with its venue's name, categories and sections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// The venue.
    pub venue: VenueId,
    /// The venue's name.
    pub venue_name: String,
    /// The venue's IANA time zone.
    pub time_zone: String,
    /// The event of which it is a further onsale, and what for; none for one with seats of its own.
    pub onsale_of: Option<(EventId, OnsaleKind)>,
    /// Its own further onsales, the oldest first.
    pub onsales: Vec<Onsale>,
    /// To which it belongs: its venue's.
    pub organization: OrganizationId,
    /// What is sold, as tickets print it.
    pub title: String,
    /// Draft, published, closed.
    pub status: EventStatus,
    /// ISO 4217 code.
    pub currency: String,
    /// When it takes place.
    pub starts_at: Timestamp,
    /// When fans may join.
    pub lobby_opens_at: Timestamp,
    /// When the order is drawn and selling begins.
    pub onsale_at: Timestamp,
    /// How long seats are held.
    pub hold_seconds: u32,
    /// Tickets one account may have.
    pub ticket_limit: u32,
    /// All places.
    pub capacity: u32,
    /// Price categories by number.
    pub categories: Vec<Category>,
    /// Sections by number.
    pub sections: Vec<Section>,
}

/// A price level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category {
    /// Number within the event.
    pub no: u16,
    /// Its name.
    pub name: String,
    /// A CSS colour.
    pub color: String,
    /// Price of one seat.
    pub price_minor: i64,
    /// How many places have it.
    pub seats: u32,
}

/// A section: consecutive seat numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Number within the event.
    pub no: u16,
    /// Its name.
    pub name: String,
    /// `seated` or `standing`.
    pub kind: String,
    /// Its first seat.
    pub first_seat: u32,
    /// How many places it has.
    pub seat_count: u32,
}

/// What an organizer may change later; None leaves as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// New title.
    pub title: Option<String>,
    /// New start.
    pub starts_at: Option<Timestamp>,
    /// New opening of the lobby.
    pub lobby_opens_at: Option<Timestamp>,
    /// New start of sale.
    pub onsale_at: Option<Timestamp>,
    /// New length of holds.
    pub hold_seconds: Option<u32>,
    /// New limit.
    pub ticket_limit: Option<u32>,
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    venue: Uuid,
    venue_name: String,
    time_zone: String,
    onsale_of: Option<Uuid>,
    onsale_kind: Option<String>,
    organization: Uuid,
    title: String,
    status: String,
    currency: String,
    starts_at: jiff_sqlx::Timestamp,
    lobby_opens_at: jiff_sqlx::Timestamp,
    onsale_at: jiff_sqlx::Timestamp,
    hold_seconds: i32,
    ticket_limit: i32,
    capacity: i32,
}

impl Row {
    fn into_event(self) -> Result<Event, StorageError> {
        Ok(Event {
            id: EventId(self.id),
            venue: VenueId(self.venue),
            venue_name: self.venue_name,
            time_zone: self.time_zone,
            onsale_of: self.onsale_of.map(EventId).zip(self.onsale_kind.as_deref().map(parsed).transpose()?),
            onsales: Vec::new(),
            organization: OrganizationId(self.organization),
            title: self.title,
            status: self.status.parse().map_err(StorageError::Unexpected)?,
            currency: self.currency,
            starts_at: self.starts_at.to_jiff(),
            lobby_opens_at: self.lobby_opens_at.to_jiff(),
            onsale_at: self.onsale_at.to_jiff(),
            hold_seconds: number(self.hold_seconds)?,
            ticket_limit: number(self.ticket_limit)?,
            capacity: number(self.capacity)?,
            categories: Vec::new(),
            sections: Vec::new(),
        })
    }
}

/// One event with its categories and sections.
pub async fn find(pool: &PgPool, id: EventId) -> Result<Option<Event>, StorageError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT e.id, e.venue, v.name AS venue_name, v.time_zone, e.onsale_of, e.onsale_kind, e.organization, e.title,
                e.status, e.currency, e.starts_at,
                e.lobby_opens_at, e.onsale_at, e.hold_seconds, e.ticket_limit, e.capacity
         FROM events e JOIN venues v ON v.id = e.venue
         WHERE e.id = $1",
    )
    .bind(id.0)
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let mut events = [row.into_event()?];
    fill(pool, &mut events).await?;
    let [event] = events;
    Ok(Some(event))
}

/// Events by id, at most `limit` after `after`: published and closed ones, and the drafts that `drafts` lets through.
pub async fn list(pool: &PgPool, drafts: Drafts<'_>, after: Option<EventId>, limit: u32) -> Result<Vec<Event>, StorageError> {
    let (all, organizations) = match drafts {
        Drafts::Of(organizations) => (false, uuids(organizations, |organization| organization.0)),
        Drafts::All => (true, Vec::new()),
    };
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT e.id, e.venue, v.name AS venue_name, v.time_zone, e.onsale_of, e.onsale_kind, e.organization, e.title,
                e.status, e.currency, e.starts_at,
                e.lobby_opens_at, e.onsale_at, e.hold_seconds, e.ticket_limit, e.capacity
         FROM events e JOIN venues v ON v.id = e.venue
         WHERE (e.status <> 'draft' OR $1 OR e.organization = ANY($2)) AND ($3::uuid IS NULL OR e.id > $3)
         ORDER BY e.id
         LIMIT $4",
    )
    .bind(all)
    .bind(organizations)
    .bind(after.map(|after| after.0))
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    let mut events = rows.into_iter().map(Row::into_event).collect::<Result<Vec<_>, _>>()?;
    fill(pool, &mut events).await?;
    Ok(events)
}

/// Whose drafts a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drafts<'a> {
    /// These organizations'; of none of them, none.
    Of(&'a [OrganizationId]),
    /// Everybody's.
    All,
}

/// Reads categories, sections and onsales of all these events, three statements in all.
async fn fill(pool: &PgPool, events: &mut [Event]) -> Result<(), StorageError> {
    let ids: Vec<Uuid> = events.iter().map(|event| event.id.0).collect();
    let categories: Vec<(Uuid, i16, String, String, i64, i32)> = sqlx::query_as(
        "SELECT event, no, name, color, price_minor, seat_count FROM event_categories WHERE event = ANY($1) ORDER BY event, no",
    )
    .bind(&ids)
    .fetch_all(pool)
    .await?;
    let sections: Vec<(Uuid, i16, String, String, i32, i32)> = sqlx::query_as(
        "SELECT event, no, name, kind, first_seat, seat_count FROM event_sections WHERE event = ANY($1) ORDER BY event, no",
    )
    .bind(&ids)
    .fetch_all(pool)
    .await?;
    let onsales = onsales::of(pool, &events.iter().map(|event| event.id).collect::<Vec<_>>()).await?;
    for (id, onsale) in onsales {
        if let Some(event) = events.iter_mut().find(|event| event.id == id) {
            event.onsales.push(onsale);
        }
    }
    for (id, no, name, color, price_minor, seats) in categories {
        if let Some(event) = events.iter_mut().find(|event| event.id.0 == id) {
            event.categories.push(Category { no: number(no)?, name, color, price_minor, seats: number(seats)? });
        }
    }
    for (id, no, name, kind, first_seat, seat_count) in sections {
        if let Some(event) = events.iter_mut().find(|event| event.id.0 == id) {
            let (no, first_seat, seat_count) = (number(no)?, number(first_seat)?, number(seat_count)?);
            event.sections.push(Section { no, name, kind, first_seat, seat_count });
        }
    }
    Ok(())
}

/// Writes a draft with its categories and sections; [`crate::seats::insert`] writes its seats in the same transaction.
pub async fn insert(tx: &mut PgConnection, event: &Event, queue: &RoomSettings) -> Result<(), StorageError> {
    let queue = serde_json::to_value(queue).map_err(|error| StorageError::Unexpected(error.to_string()))?;
    sqlx::query(
        "INSERT INTO events (id, venue, organization, title, currency, status, starts_at, lobby_opens_at, onsale_at, hold_seconds,
                             ticket_limit, capacity, queue_settings)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(event.id.0)
    .bind(event.venue.0)
    .bind(event.organization.0)
    .bind(&event.title)
    .bind(&event.currency)
    .bind(event.status.as_str())
    .bind(event.starts_at.to_sqlx())
    .bind(event.lobby_opens_at.to_sqlx())
    .bind(event.onsale_at.to_sqlx())
    .bind(number::<_, i32>(event.hold_seconds)?)
    .bind(number::<_, i32>(event.ticket_limit)?)
    .bind(number::<_, i32>(event.capacity)?)
    .bind(queue)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO event_categories (event, no, name, color, price_minor, seat_count)
         SELECT $1, * FROM UNNEST($2::smallint[], $3::text[], $4::text[], $5::bigint[], $6::integer[])",
    )
    .bind(event.id.0)
    .bind(numbers::<_, _, i16>(&event.categories, |c| c.no)?)
    .bind(event.categories.iter().map(|c| c.name.as_str()).collect::<Vec<_>>())
    .bind(event.categories.iter().map(|c| c.color.as_str()).collect::<Vec<_>>())
    .bind(event.categories.iter().map(|c| c.price_minor).collect::<Vec<_>>())
    .bind(numbers::<_, _, i32>(&event.categories, |c| c.seats)?)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO event_sections (event, no, name, kind, first_seat, seat_count)
         SELECT $1, * FROM UNNEST($2::smallint[], $3::text[], $4::text[], $5::integer[], $6::integer[])",
    )
    .bind(event.id.0)
    .bind(numbers::<_, _, i16>(&event.sections, |s| s.no)?)
    .bind(event.sections.iter().map(|s| s.name.as_str()).collect::<Vec<_>>())
    .bind(event.sections.iter().map(|s| s.kind.as_str()).collect::<Vec<_>>())
    .bind(numbers::<_, _, i32>(&event.sections, |s| s.first_seat)?)
    .bind(numbers::<_, _, i32>(&event.sections, |s| s.seat_count)?)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Changes an event while it is in `status`; false where it is not (any more): nothing was changed.
pub async fn update(pool: &PgPool, id: EventId, status: EventStatus, change: &Change) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "UPDATE events
         SET title = coalesce($3, title), starts_at = coalesce($4, starts_at), lobby_opens_at = coalesce($5, lobby_opens_at),
             onsale_at = coalesce($6, onsale_at), hold_seconds = coalesce($7, hold_seconds),
             ticket_limit = coalesce($8, ticket_limit)
         WHERE id = $1 AND status = $2",
    )
    .bind(id.0)
    .bind(status.as_str())
    .bind(change.title.as_deref())
    .bind(change.starts_at.map(ToSqlx::to_sqlx))
    .bind(change.lobby_opens_at.map(ToSqlx::to_sqlx))
    .bind(change.onsale_at.map(ToSqlx::to_sqlx))
    .bind(change.hold_seconds.map(number::<_, i32>).transpose()?)
    .bind(change.ticket_limit.map(number::<_, i32>).transpose()?)
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Publishes a draft and makes its waiting room from the settings it was created with, in one transaction. False where it is no
/// draft: a concurrent call that was faster leaves nothing to do.
pub async fn publish(pool: &PgPool, id: EventId) -> Result<bool, StorageError> {
    let mut tx = pool.begin().await?;
    let settings: Option<serde_json::Value> =
        sqlx::query_scalar("UPDATE events SET status = 'published' WHERE id = $1 AND status = 'draft' RETURNING queue_settings")
            .bind(id.0)
            .fetch_optional(&mut *tx)
            .await?;
    let Some(settings) = settings else { return Ok(false) };
    let settings: RoomSettings = serde_json::from_value(settings)
        .map_err(|error| StorageError::Unexpected(format!("queue settings of event {id}: {error}")))?;
    rooms::create(&mut tx, id, &settings).await?;
    tx.commit().await?;
    Ok(true)
}
