//! What a room's owner asks of `room_owners`. How rooms are shared and taken is in [`crate::leases`].

use goticket_domain::EventId;
use sqlx::{PgConnection, PgPool};

use crate::StorageError;

/// Whether the room's epoch is still this one. If so it stays so until the transaction ends: a successor waits.
pub async fn fence(db: &mut PgConnection, event: EventId, epoch: i64) -> Result<bool, StorageError> {
    // By primary key.
    let row: Option<i32> = sqlx::query_scalar("SELECT 1 FROM room_owners WHERE event = $1 AND epoch = $2 FOR SHARE")
        .bind(event.0)
        .bind(epoch)
        .fetch_optional(db)
        .await?;
    Ok(row.is_some())
}

/// A closed room of which nothing is left to do needs no owner any more. False where the epoch is another one by now, or something of a
/// room that is published is not published yet.
pub async fn dismiss(pool: &PgPool, event: EventId, epoch: i64) -> Result<bool, StorageError> {
    // By primary key; a successor that takes it at this moment comes first or finds no row.
    let done = sqlx::query(
        "DELETE FROM room_owners o USING rooms r
         WHERE o.event = $1 AND o.epoch = $2 AND r.event = o.event AND r.state = 'closed'
             AND NOT EXISTS (SELECT FROM queue_cursors c JOIN queue_heads h ON h.event = c.event
                             WHERE c.event = o.event AND (c.position < h.size OR c.changes < r.log_number))",
    )
    .bind(event.0)
    .bind(epoch)
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A room that is just being made is free to be taken.
pub(super) async fn create(db: &mut PgConnection, event: EventId) -> Result<(), StorageError> {
    sqlx::query("INSERT INTO room_owners (event) VALUES ($1)").bind(event.0).execute(db).await?;
    Ok(())
}
