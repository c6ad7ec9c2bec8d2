//! Reading the outbox in the order in which it may be published.
//!
//! A sequence is drawn before its transaction commits, so "everything after the last sequence" skips what commits late. Here the
//! order is (transaction id, sequence), and a row is read only when its transaction id lies below every transaction that still
//! runs: nothing can appear behind the cursor any more. The price: one transaction that stays open holds everybody back, which
//! [`oldest_unpublished`] shows.
//!
//! Of two transactions that run at the same time, the id's order need not be the commit's. They are never about one section: whoever
//! decides for a section locks it before his transaction gets its id (`bookings::locks::lock_sections`).

use jiff::SignedDuration;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use crate::StorageError;

/// First half of the advisory lock's key ("outb"); the second is the shard.
const LEADER_LOCK: i32 = 0x6f75_7462;

/// How far one shard has been published: everything up to here, and nothing behind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cursor {
    /// `xid8` as text: 64 bits without a sign, which Postgres has no other type for.
    xid: String,
    sequence: i64,
}

/// One committed domain event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutboxRow {
    /// The CloudEvents id.
    pub id: Uuid,
    /// Topic without the deployment's prefix.
    pub topic: String,
    /// The Kafka key: what is sold.
    pub event: Uuid,
    /// The whole CloudEvent.
    pub body: String,
    /// Where the cursor stands once this row and all before it are published.
    pub position: Cursor,
}

/// Becomes the shard's only relay for as long as this connection lives, unless another one is.
pub async fn try_lead(db: &mut PgConnection, shard: i16) -> Result<bool, StorageError> {
    Ok(sqlx::query_scalar("SELECT pg_try_advisory_lock($1, $2)").bind(LEADER_LOCK).bind(i32::from(shard)).fetch_one(db).await?)
}

/// Where the shard stands.
pub async fn cursor(db: &mut PgConnection, shard: i16) -> Result<Cursor, StorageError> {
    let (xid, sequence) =
        sqlx::query_as("SELECT xid::text, sequence FROM outbox_cursors WHERE shard = $1").bind(shard).fetch_one(db).await?;
    Ok(Cursor { xid, sequence })
}

#[derive(FromRow)]
struct Row {
    xid: String,
    sequence: i64,
    id: Uuid,
    topic: String,
    event: Uuid,
    body: String,
}

/// The next rows after `from`, at most `limit`, in order. Served by `outbox_cursor` of every partition, merged.
pub async fn next_rows(db: &mut PgConnection, from: &Cursor, limit: u32) -> Result<Vec<OutboxRow>, StorageError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT xid::text AS xid, sequence, id, topic, event, body
         FROM outbox
         WHERE (outbox.xid, sequence) > ($1::text::xid8, $2)
           AND outbox.xid < pg_snapshot_xmin(pg_current_snapshot())
         ORDER BY outbox.xid, sequence
         LIMIT $3",
    )
    .bind(&from.xid)
    .bind(from.sequence)
    .bind(i64::from(limit))
    .fetch_all(db)
    .await?;
    let row = |Row { xid, sequence, id, topic, event, body }: Row| OutboxRow {
        id,
        topic,
        event,
        body,
        position: Cursor { xid, sequence },
    };
    Ok(rows.into_iter().map(row).collect())
}

/// Moves the cursor. False where it no longer stands at `from`: another relay has moved it, and the caller must start over.
pub async fn advance(db: &mut PgConnection, shard: i16, from: &Cursor, to: &Cursor) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "UPDATE outbox_cursors SET xid = $4::text::xid8, sequence = $5
         WHERE shard = $1 AND xid = $2::text::xid8 AND sequence = $3",
    )
    .bind(shard)
    .bind(&from.xid)
    .bind(from.sequence)
    .bind(&to.xid)
    .bind(to.sequence)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The age of the first committed row that is not published, whatever holds it back; zero where everything is. The cursor is read
/// first, so that it bounds the index scan: joined, it would make the scan walk over everything that was ever published.
pub async fn oldest_unpublished(db: &mut PgConnection, shard: i16) -> Result<SignedDuration, StorageError> {
    let cursor = cursor(db, shard).await?;
    let millis: Option<i64> = sqlx::query_scalar(
        "SELECT (extract(epoch FROM clock_timestamp() - written_at) * 1000)::bigint
         FROM outbox
         WHERE (xid, sequence) > ($1::text::xid8, $2)
         ORDER BY xid, sequence
         LIMIT 1",
    )
    .bind(cursor.xid)
    .bind(cursor.sequence)
    .fetch_optional(db)
    .await?;
    Ok(SignedDuration::from_millis(millis.unwrap_or(0)))
}
