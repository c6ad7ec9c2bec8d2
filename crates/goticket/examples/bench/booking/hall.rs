//! What is on sale and who asks, written straight into an empty database.

use anyhow::Context as _;
use goticket_domain::{AccountId, EventId};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::load::{Kind, Load};

/// Seats of a row: even, so that no pair of neighbours lies in two rows.
const SEATS_PER_ROW: i32 = 20;

/// Most tickets of one account.
const TICKET_LIMIT: i32 = 10;

/// Longer than any run: nothing expires meanwhile.
const HOLD_SECONDS: i32 = 3_600;

/// The venue's plan as it was imported, which gateways read for what is drawn besides the seats: nothing of note.
const PLAN: &str = r##"{ "name": "Arena", "categories": [{ "name": "All", "color": "#000000" }],
    "zones": [{ "name": "S0", "position": { "x": 0, "y": 0 }, "rows": [{ "row_number": "1", "position": { "x": 0, "y": 0 },
        "seats": [{ "seat_guid": "0", "seat_number": "1", "position": { "x": 0, "y": 0 }, "category": "All" }] }] }] }"##;

/// The ids of what was made.
pub(crate) struct OnSale {
    pub events: Vec<EventId>,
    pub accounts: Vec<AccountId>,
}

/// Makes the events and accounts of `load`, and leaves the tables as weeks before a sale leave them: vacuumed, and the statistics know
/// them. On a connection without the worker's time limits: half a million places take a while.
pub(crate) async fn build(postgres_url: &str, load: &Load) -> anyhow::Result<OnSale> {
    let mut db = PgConnection::connect(postgres_url).await?;
    let accounts: Vec<Uuid> = (0..load.accounts()).map(|_| Uuid::now_v7()).collect();
    let events: Vec<Uuid> = (0..load.events).map(|_| Uuid::now_v7()).collect();
    let owner = accounts.first().context("a load without a single place")?;
    sqlx::query(
        "INSERT INTO accounts (id, email, name, role) SELECT id, id || '@fans.test', 'Fan', 'user' FROM UNNEST($1::uuid[]) AS id",
    )
    .bind(&accounts)
    .execute(&mut db)
    .await
    .context("make accounts")?;
    sqlx::query("INSERT INTO venues (id, owner, name, time_zone, plan, seat_count) VALUES ($1, $1, 'Arena', 'UTC', $3, $2)")
        .bind(owner)
        .bind(i32::try_from(load.hall.places())?)
        .bind(PLAN)
        .execute(&mut db)
        .await
        .context("make a venue")?;
    sqlx::query(
        "INSERT INTO events (id, venue, owner, title, currency, status, starts_at, lobby_opens_at, onsale_at, hold_seconds, ticket_limit, capacity)
         SELECT id, $2, $2, 'Rate', 'EUR', 'published', now() + '1 day', now() - '2 hours'::interval, now() - '1 hour'::interval, $3, $4, $5
         FROM UNNEST($1::uuid[]) AS id",
    )
    .bind(&events)
    .bind(owner)
    .bind(HOLD_SECONDS)
    .bind(TICKET_LIMIT)
    .bind(i32::try_from(load.hall.places())?)
    .execute(&mut db)
    .await
    .context("make events")?;
    fill(&mut db, load, &events).await?;
    sqlx::raw_sql("VACUUM ANALYZE").execute(&mut db).await.context("vacuum")?;
    db.close().await?;
    Ok(OnSale { events: events.into_iter().map(EventId).collect(), accounts: accounts.into_iter().map(AccountId).collect() })
}

/// Price levels, sections and places of every event.
async fn fill(db: &mut PgConnection, load: &Load, events: &[Uuid]) -> anyhow::Result<()> {
    let kind = match load.hall.kind {
        Kind::Seated => "seated",
        Kind::Standing => "standing",
    };
    sqlx::query(
        "INSERT INTO event_categories (event, no, name, color, price_minor)
         SELECT event, 0, 'All', '#000', 5000 FROM UNNEST($1::uuid[]) AS event",
    )
    .bind(events)
    .execute(&mut *db)
    .await
    .context("make price levels")?;
    let (sections, size) = (i32::from(load.hall.sections), i32::try_from(load.hall.places_per_section)?);
    sqlx::query(
        "INSERT INTO event_sections (event, no, name, kind, first_seat, seat_count)
         SELECT event, s, 'S' || s, $4, s * $3, $3 FROM UNNEST($1::uuid[]) AS event, generate_series(0, $2 - 1) AS s",
    )
    .bind(events)
    .bind(sections)
    .bind(size)
    .bind(kind)
    .execute(&mut *db)
    .await
    .context("make sections")?;
    // A standing place is a seat without a position, in one row.
    sqlx::query(
        "INSERT INTO seats (event, no, section, row_no, block, row_label, number, guid, category, x, y)
         SELECT event, n, n / $3, CASE WHEN $4 THEN n % $3 / $5 ELSE 0 END, 0, '', n::text, n::text, 0,
                CASE WHEN $4 THEN n % $5 * 24 END, CASE WHEN $4 THEN n % $3 / $5 * 32 END
         FROM UNNEST($1::uuid[]) AS event, generate_series(0, $2 * $3 - 1) AS n",
    )
    .bind(events)
    .bind(sections)
    .bind(size)
    .bind(load.hall.kind == Kind::Seated)
    .bind(SEATS_PER_ROW)
    .execute(&mut *db)
    .await
    .context("make places")?;
    Ok(())
}
