//! Events with waiting rooms, and who stands in line there, written straight into the database.

use anyhow::Context as _;
use goticket_domain::{
    AccountId, EventId,
    queue::{Entry, PlaceId, RoomSettings},
};
use goticket_storage::{queue_log, rooms};
use sqlx::PgPool;
use uuid::Uuid;

/// Entries written together: as many as a busy replica writes at once.
const SEGMENT: usize = 1_000;

/// Whether fans who come now take part in a draw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Onsale {
    /// The waiting room has only to open its rooms, one schedule's step after the other.
    HasBegun,
    /// Until [`begin`], the rooms are lobbies.
    IsAhead,
}

/// Published events, whose lobbies are due.
pub(super) async fn publish(
    pool: &PgPool,
    number: usize,
    settings: &RoomSettings,
    onsale: Onsale,
) -> anyhow::Result<Vec<EventId>> {
    let owner = AccountId::generate();
    let events: Vec<Uuid> = (0..number).map(|_| Uuid::now_v7()).collect();
    let mut tx = pool.begin().await?;
    sqlx::query("INSERT INTO accounts (id, email, name, role) VALUES ($1, 'o@fans.test', 'O', 'organizer')")
        .bind(owner.0)
        .execute(&mut *tx)
        .await?;
    sqlx::query("INSERT INTO venues (id, owner, name, time_zone, plan, seat_count) VALUES ($1, $1, 'Arena', 'UTC', '{}', 10)")
        .bind(owner.0)
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "INSERT INTO events (id, venue, owner, title, currency, status, starts_at, lobby_opens_at, onsale_at, hold_seconds, ticket_limit, capacity)
         SELECT id, $2, $2, 'Queue', 'EUR', 'published', now() + '1 day', now() - '2 hours'::interval,
             now() + CASE WHEN $3 THEN '-1 hour'::interval ELSE '1 hour'::interval END, 300, 4, 10
         FROM UNNEST($1::uuid[]) AS id",
    )
    .bind(&events)
    .bind(owner.0)
    .bind(onsale == Onsale::HasBegun)
    .execute(&mut *tx)
    .await
    .context("make events")?;
    for event in &events {
        rooms::create(&mut tx, EventId(*event), settings).await.context("make rooms")?;
    }
    tx.commit().await?;
    Ok(events.into_iter().map(EventId).collect())
}

/// The sale begins now.
pub(super) async fn begin(pool: &PgPool, event: EventId) -> anyhow::Result<()> {
    sqlx::query("UPDATE events SET onsale_at = now() WHERE id = $1").bind(event.0).execute(pool).await?;
    Ok(())
}

/// How many rooms are open.
pub(super) async fn open(pool: &PgPool) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar("SELECT count(*) FROM rooms WHERE state = 'open'").fetch_one(pool).await?)
}

/// Places of no account.
pub(super) fn strangers(fans: usize) -> Vec<PlaceId> {
    (0..fans).map(|_| PlaceId(*Uuid::now_v7().as_bytes())).collect()
}

/// All of these join, as any replica would write it; returns the entry of the first. Nothing else may be written meanwhile.
pub(super) async fn join(pool: &PgPool, event: EventId, places: &[PlaceId]) -> anyhow::Result<u64> {
    let mut first = None;
    let mut db = pool.acquire().await?.detach();
    // What the clock finds is there; no one was told of it.
    sqlx::query("SET synchronous_commit = off").execute(&mut db).await?;
    for segment in places.chunks(SEGMENT) {
        let entries = segment.iter().map(|place| Entry::Join(*place)).collect();
        let written = queue_log::append(&mut db, event, entries, 0, None).await?.context("the room has no log")?;
        first = first.or(Some(written.first));
    }
    first.context("no one joined")
}
