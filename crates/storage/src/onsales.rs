//! Further onsales of events. Each is a row of `events` with a room, whose seats are those of the event it is part of.

use goticket_domain::EventId;
use goticket_domain::catalog::{EventLines, Offer, OnsaleKind, OnsaleRefusal, check_onsale};
use goticket_domain::queue::RoomSettings;
use jiff_sqlx::ToSqlx as _;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::columns::numbers;
use crate::{StorageError, rooms};

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Onsale {
    /// Under which it is listed.
    pub id: EventId,
    /// What for.
    pub kind: OnsaleKind,
}

/// Opens an onsale of an event, and takes its categories from the event's own line. In one transaction, which holds the event's own room: what
/// was checked is so.
pub async fn open(
    pool: &PgPool,
    event: EventId,
    title: &str,
    offer: &Offer,
    settings: &RoomSettings,
) -> Result<Result<EventId, OnsaleRefusal>, StorageError> {
    let mut tx = pool.begin().await?;
    let Some(room) = rooms::lock(&mut tx, event).await? else {
        return Err(StorageError::Unexpected(format!("event {event} has no room")));
    };
    let lines = lines(&mut tx, &room).await?;
    if let Err(refusal) = check_onsale(offer, &lines, rooms::now(&mut tx).await?) {
        return Ok(Err(refusal));
    }
    let onsale = EventId::generate();
    let categories = match offer.kind {
        OnsaleKind::Accessible => &offer.categories,
        OnsaleKind::SecondDraw => &lines.sells,
    };
    let categories = numbers::<_, _, i16>(categories, |no| *no)?;
    insert(&mut tx, event, onsale, title, offer, &categories).await?;
    rooms::create(&mut tx, onsale, settings).await?;
    if offer.kind == OnsaleKind::Accessible {
        rooms::set_sells(&mut tx, onsale, &categories).await?;
        let left: Vec<u16> = lines.sells.into_iter().filter(|no| !offer.categories.contains(no)).collect();
        rooms::set_sells(&mut tx, event, &numbers::<_, _, i16>(&left, |no| *no)?).await?;
    }
    tx.commit().await?;
    Ok(Ok(onsale))
}

/// The lines of a locked room's event.
async fn lines(db: &mut PgConnection, room: &rooms::Room) -> Result<EventLines, StorageError> {
    let others: Vec<String> =
        sqlx::query_scalar("SELECT r.state FROM events e JOIN rooms r ON r.event = e.id WHERE e.onsale_of = $1")
            .bind(room.event.0)
            .fetch_all(&mut *db)
            .await?;
    let (starts_at, all): (jiff_sqlx::Timestamp, Vec<i16>) = sqlx::query_as(
        "SELECT e.starts_at, ARRAY(SELECT no FROM event_categories WHERE event = e.id ORDER BY no) FROM events e WHERE e.id = $1",
    )
    .bind(room.event.0)
    .fetch_one(db)
    .await?;
    Ok(EventLines {
        own: room.state,
        others: others.iter().map(|state| state.parse()).collect::<Result<_, _>>().map_err(StorageError::Unexpected)?,
        sells: room.sells.clone().map_or_else(|| numbers(&all, |no| *no), Ok)?,
        starts_at: starts_at.to_jiff(),
    })
}

/// Its row and its categories, which are the event's own in all but the list.
async fn insert(
    db: &mut PgConnection,
    event: EventId,
    onsale: EventId,
    title: &str,
    offer: &Offer,
    categories: &[i16],
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO events (id, venue, organization, title, currency, status, starts_at, lobby_opens_at, onsale_at, hold_seconds, ticket_limit,
                             capacity, onsale_of, onsale_kind)
         SELECT $2, venue, organization, $3, currency, 'published', starts_at, $4, $5, hold_seconds, ticket_limit,
                (SELECT coalesce(sum(seat_count), 0)::integer FROM event_categories WHERE event = $1 AND no = ANY($7)), id, $6
         FROM events WHERE id = $1",
    )
    .bind(event.0)
    .bind(onsale.0)
    .bind(title)
    .bind(offer.lobby_opens_at.to_sqlx())
    .bind(offer.onsale_at.to_sqlx())
    .bind(offer.kind.as_str())
    .bind(categories)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "INSERT INTO event_categories (event, no, name, color, price_minor, seat_count)
         SELECT $2, no, name, color, price_minor, seat_count FROM event_categories WHERE event = $1 AND no = ANY($3)",
    )
    .bind(event.0)
    .bind(onsale.0)
    .bind(categories)
    .execute(db)
    .await?;
    Ok(())
}

/// The onsales of these events besides their own, each with its event, the oldest first. Served by `events_onsales`.
pub async fn of(pool: &PgPool, events: &[EventId]) -> Result<Vec<(EventId, Onsale)>, StorageError> {
    let events: Vec<Uuid> = events.iter().map(|event| event.0).collect();
    let rows: Vec<(Uuid, Uuid, String)> =
        sqlx::query_as("SELECT onsale_of, id, onsale_kind FROM events WHERE onsale_of = ANY($1) ORDER BY id")
            .bind(events)
            .fetch_all(pool)
            .await?;
    let onsale = |(of, id, kind): (Uuid, Uuid, String)| {
        Ok((EventId(of), Onsale { id: EventId(id), kind: kind.parse().map_err(StorageError::Unexpected)? }))
    };
    rows.into_iter().map(onsale).collect()
}
