//! The draws of rooms: what was announced, closed and drawn, as it is published, and the trees that prove it.

use goticket_domain::EventId;
use goticket_domain::queue::draw::merkle::Hash;
use goticket_domain::queue::{Announced, DrawOutcome, DrawSecret, LobbyHead, PlaceId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

use super::{digest, number, one};
use crate::StorageError;

/// A room's draw as far as it has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoomDraw {
    /// To which the terms commit.
    pub secret: DrawSecret,
    /// All terms, in the order in which they were announced; never empty.
    pub announced: Vec<Announced>,
    /// The lobby's last head, signed before the beacon's round.
    pub closed: Option<LobbyHead>,
    /// What was drawn.
    pub outcome: Option<DrawOutcome>,
}

/// Which of a draw's trees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tree {
    /// The closed lobby.
    Lobby,
    /// The ranks.
    Ranks,
}

impl Tree {
    fn number(self) -> i16 {
        match self {
            Self::Lobby => 0,
            Self::Ranks => 1,
        }
    }
}

/// A block of the tree of ranks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RankBlock {
    /// Which, from 0.
    pub number: u64,
    /// In order.
    pub places: Vec<PlaceId>,
}

#[derive(FromRow)]
struct Row {
    event: Uuid,
    secret: Vec<u8>,
    announced: String,
    closed: Option<String>,
    outcome: Option<String>,
}

impl TryFrom<Row> for RoomDraw {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            secret: DrawSecret(digest("secret", &row.secret)?),
            announced: json(&row.announced)?,
            closed: row.closed.as_deref().map(json).transpose()?,
            outcome: row.outcome.as_deref().map(json).transpose()?,
        })
    }
}

fn json<T: DeserializeOwned>(text: &str) -> Result<T, StorageError> {
    serde_json::from_str(text).map_err(|error| StorageError::Unexpected(format!("a draw cannot be read: {error}")))
}

fn text<T: Serialize>(value: &T) -> Result<String, StorageError> {
    serde_json::to_string(value).map_err(|error| StorageError::Unexpected(format!("a draw cannot be written: {error}")))
}

/// The draws of these rooms, but for those that have none yet.
pub async fn read(pool: &PgPool, events: &[EventId]) -> Result<Vec<(EventId, RoomDraw)>, StorageError> {
    let events: Vec<Uuid> = events.iter().map(|event| event.0).collect();
    let rows: Vec<Row> = sqlx::query_as("SELECT event, secret, announced, closed, outcome FROM room_draws WHERE event = ANY($1)")
        .bind(events)
        .fetch_all(pool)
        .await?;
    rows.into_iter().map(|row| Ok((EventId(row.event), RoomDraw::try_from(row)?))).collect()
}

/// The draw of a locked room.
pub async fn of_locked(db: &mut PgConnection, event: EventId) -> Result<Option<RoomDraw>, StorageError> {
    let row: Option<Row> = sqlx::query_as("SELECT event, secret, announced, closed, outcome FROM room_draws WHERE event = $1")
        .bind(event.0)
        .fetch_optional(db)
        .await?;
    row.map(RoomDraw::try_from).transpose()
}

/// Writes the terms of a locked room: the first ones with the secret to which all of them commit.
pub async fn announce(
    db: &mut PgConnection,
    event: EventId,
    secret: &DrawSecret,
    announced: &[Announced],
) -> Result<(), StorageError> {
    let done = sqlx::query(
        "INSERT INTO room_draws (event, secret, announced) VALUES ($1, $2, $3)
         ON CONFLICT (event) DO UPDATE SET announced = excluded.announced WHERE room_draws.outcome IS NULL",
    )
    .bind(event.0)
    .bind(secret.0.as_slice())
    .bind(text(&announced)?)
    .execute(&mut *db)
    .await?;
    one(done.rows_affected(), "announce")?;
    moved_on(db, event).await
}

/// Writes the last head of a locked room's lobby, once.
pub async fn close(db: &mut PgConnection, event: EventId, head: &LobbyHead) -> Result<(), StorageError> {
    let done = sqlx::query("UPDATE room_draws SET closed = $2 WHERE event = $1 AND closed IS NULL")
        .bind(event.0)
        .bind(text(head)?)
        .execute(&mut *db)
        .await?;
    one(done.rows_affected(), "close")?;
    moved_on(db, event).await
}

/// Writes what was drawn, once: a second outcome would be another order.
pub async fn save_outcome(db: &mut PgConnection, event: EventId, outcome: &DrawOutcome) -> Result<(), StorageError> {
    let done = sqlx::query("UPDATE room_draws SET outcome = $2 WHERE event = $1 AND closed IS NOT NULL AND outcome IS NULL")
        .bind(event.0)
        .bind(text(outcome)?)
        .execute(&mut *db)
        .await?;
    one(done.rows_affected(), "save_outcome")?;
    moved_on(db, event).await
}

async fn moved_on(db: &mut PgConnection, event: EventId) -> Result<(), StorageError> {
    let done =
        sqlx::query("UPDATE rooms SET draw_revision = draw_revision + 1 WHERE event = $1").bind(event.0).execute(db).await?;
    one(done.rows_affected(), "draw_revision")
}

/// Writes the hashes of the lobby's blocks. Written again they are the same: the lobby is closed.
pub async fn put_lobby(pool: &PgPool, event: EventId, hashes: &[Hash]) -> Result<(), StorageError> {
    let hashes: Vec<&[u8]> = hashes.iter().map(Hash::as_slice).collect();
    sqlx::query(
        "INSERT INTO draw_trees (event, tree, block, hash)
         SELECT $1, 0, t.number - 1, t.hash FROM unnest($2::bytea[]) WITH ORDINALITY t (hash, number)
         ON CONFLICT (event, tree, block) DO UPDATE SET hash = excluded.hash",
    )
    .bind(event.0)
    .bind(hashes)
    .execute(pool)
    .await?;
    Ok(())
}

/// A block of ranks that is written: its number and hash, its places, and what orders the first of them.
#[derive(Clone, Copy, Debug)]
pub struct NewRanks<'a> {
    /// Of the tree's blocks.
    pub block: u64,
    /// Over its ranks.
    pub hash: &'a Hash,
    /// The first in line first.
    pub places: &'a [PlaceId],
    /// Of the first of them.
    pub first_key: [u8; 32],
}

/// Writes blocks of ranks, all in one commit. Written again they are the same: the seed is known.
pub async fn put_ranks(pool: &PgPool, event: EventId, blocks: &[NewRanks<'_>]) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO draw_trees (event, tree, block, hash, places, first_key)
         SELECT $1, 1, t.* FROM unnest($2::int[], $3::bytea[], $4::bytea[], $5::bytea[]) t
         ON CONFLICT (event, tree, block) DO UPDATE SET hash = excluded.hash, places = excluded.places, first_key = excluded.first_key",
    )
    .bind(event.0)
    .bind(blocks.iter().map(|of| number::<_, i32>("block", of.block)).collect::<Result<Vec<_>, _>>()?)
    .bind(blocks.iter().map(|of| of.hash.as_slice()).collect::<Vec<_>>())
    .bind(blocks.iter().map(|of| of.places.iter().flat_map(|place| place.0).collect::<Vec<u8>>()).collect::<Vec<_>>())
    .bind(blocks.iter().map(|of| of.first_key.as_slice()).collect::<Vec<_>>())
    .execute(pool)
    .await?;
    Ok(())
}

/// The hashes of a tree's blocks, in order: one for every 4,096 leaves.
pub async fn blocks(pool: &PgPool, event: EventId, tree: Tree) -> Result<Vec<Hash>, StorageError> {
    // By primary key.
    let rows: Vec<Vec<u8>> = sqlx::query_scalar("SELECT hash FROM draw_trees WHERE event = $1 AND tree = $2 ORDER BY block")
        .bind(event.0)
        .bind(tree.number())
        .fetch_all(pool)
        .await?;
    rows.iter().map(|hash| digest("hash", hash)).collect()
}

/// A block of ranks.
pub async fn ranks(pool: &PgPool, event: EventId, block: u64) -> Result<Option<RankBlock>, StorageError> {
    // By primary key.
    let row = sqlx::query_as("SELECT block, places FROM draw_trees WHERE event = $1 AND tree = 1 AND block = $2")
        .bind(event.0)
        .bind(number::<_, i32>("block", block)?)
        .fetch_optional(pool)
        .await?;
    row.map(rank_block).transpose()
}

/// The block of ranks in which a place is that is ordered by this key, if it is in any.
pub async fn ranks_around(pool: &PgPool, event: EventId, key: &[u8; 32]) -> Result<Option<RankBlock>, StorageError> {
    // One event's blocks by primary key; their places are read of one.
    let row = sqlx::query_as(
        "SELECT block, places FROM draw_trees WHERE event = $1 AND tree = 1 AND block =
             (SELECT max(block) FROM draw_trees WHERE event = $1 AND tree = 1 AND first_key <= $2)",
    )
    .bind(event.0)
    .bind(key.as_slice())
    .fetch_optional(pool)
    .await?;
    row.map(rank_block).transpose()
}

fn rank_block((block, places): (i32, Vec<u8>)) -> Result<RankBlock, StorageError> {
    let (places, rest) = places.as_chunks::<16>();
    if !rest.is_empty() {
        return Err(StorageError::Unexpected("a block of ranks ends within a place".into()));
    }
    Ok(RankBlock { number: number("block", block)?, places: places.iter().copied().map(PlaceId).collect() })
}
