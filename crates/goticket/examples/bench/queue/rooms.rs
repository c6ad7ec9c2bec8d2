//! Events with waiting rooms, written straight into an empty database.

use anyhow::Context as _;
use goticket_domain::{
    AccountId, EventId,
    queue::{Entry, PlaceId, RoomSettings},
};
use goticket_storage::{queue_log, rooms};
use sqlx::PgPool;
use uuid::Uuid;

/// Published events whose sales have begun: the waiting room has only to open them, one schedule's step after the other.
pub(super) async fn publish(pool: &PgPool, number: usize, settings: &RoomSettings) -> anyhow::Result<Vec<EventId>> {
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
         SELECT id, $2, $2, 'Queue', 'EUR', 'published', now() + '1 day', now() - '2 hours'::interval, now() - '1 hour'::interval, 300, 4, 10
         FROM UNNEST($1::uuid[]) AS id",
    )
    .bind(&events)
    .bind(owner.0)
    .execute(&mut *tx)
    .await
    .context("make events")?;
    for event in &events {
        rooms::create(&mut tx, EventId(*event), settings, [7; 32]).await.context("make rooms")?;
    }
    tx.commit().await?;
    Ok(events.into_iter().map(EventId).collect())
}

/// How many rooms are open.
pub(super) async fn open(pool: &PgPool) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar("SELECT count(*) FROM rooms WHERE state = 'open'").fetch_one(pool).await?)
}

/// So many fans join, as any replica would write it.
pub(super) async fn join(pool: &PgPool, event: EventId, fans: usize) -> anyhow::Result<()> {
    let entries = (0..fans).map(|_| Entry::Join(PlaceId(*Uuid::now_v7().as_bytes()))).collect();
    let mut db = pool.acquire().await?;
    queue_log::append(&mut db, event, entries, 0, None).await?.context("the room has no log")?;
    Ok(())
}
