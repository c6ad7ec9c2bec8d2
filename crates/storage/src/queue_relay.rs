//! Up to where each waiting room's logs are published: read and moved by the room's owner.

use goticket_domain::EventId;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use crate::StorageError;
use crate::columns::number;

/// Up to where a room is published.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cursor {
    /// Whose room.
    pub event: EventId,
    /// Entries of its log.
    pub position: u64,
    /// Entries of the operators' log.
    pub changes: u64,
}

#[derive(FromRow)]
struct Row {
    event: Uuid,
    position: i64,
    changes: i64,
}

impl TryFrom<Row> for Cursor {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self { event: EventId(row.event), position: number(row.position)?, changes: number(row.changes)? })
    }
}

/// Those of these rooms of which something is not published yet. A room that was never published has its cursor from now on, and is not
/// cleared up before it is published.
pub async fn behind(pool: &PgPool, events: &[EventId]) -> Result<Vec<Cursor>, StorageError> {
    let events: Vec<Uuid> = events.iter().map(|event| event.0).collect();
    // By primary keys. A cursor that is being made by another process is theirs to read.
    let rows: Vec<Row> = sqlx::query_as(
        "WITH made AS (
             INSERT INTO queue_cursors (event)
             SELECT r.event FROM rooms r
             WHERE r.event = ANY($1) AND NOT EXISTS (SELECT FROM queue_cursors c WHERE c.event = r.event)
             ON CONFLICT DO NOTHING RETURNING event, position, changes
         ), known AS (
             SELECT event, position, changes FROM queue_cursors WHERE event = ANY($1) UNION ALL SELECT * FROM made
         )
         SELECT k.event, k.position, k.changes
         FROM known k JOIN queue_heads h ON h.event = k.event JOIN rooms r ON r.event = k.event
         WHERE k.position < h.size OR k.changes < r.log_number",
    )
    .bind(events)
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(Cursor::try_from).collect()
}

/// Moves a cursor from where it was found. False where somebody else has moved it, or `epoch` is not the owner's any more: what was published
/// is published again, with the same ids.
pub async fn advance(pool: &PgPool, epoch: i64, from: Cursor, to: Cursor) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "WITH owner AS (SELECT event FROM room_owners WHERE event = $1 AND epoch = $2 FOR SHARE)
         UPDATE queue_cursors c SET position = $5, changes = $6 FROM owner o
         WHERE c.event = o.event AND c.position = $3 AND c.changes = $4",
    )
    .bind(from.event.0)
    .bind(epoch)
    .bind(number::<_, i64>(from.position)?)
    .bind(number::<_, i64>(from.changes)?)
    .bind(number::<_, i64>(to.position)?)
    .bind(number::<_, i64>(to.changes)?)
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}
