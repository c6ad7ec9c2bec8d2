//! Lanes: how many there are, and each lane's row, which every transaction that decides for it moves on first.

use goticket_domain::lane::{LaneCount, LaneNo};
use sqlx::{PgConnection, PgPool};

use crate::StorageError;
use crate::columns::number;

/// Where a lane stands, as its owner knows it. Whoever writes for the lane says so, and writes nothing if it stands elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fence {
    /// Which lane.
    pub lane: LaneNo,
    /// Rises with every change of the owner.
    pub epoch: i64,
    /// Transactions so far.
    pub sequence: i64,
    /// The last position in the outbox.
    pub position: i64,
}

impl Fence {
    /// After a transaction that told of so many domain events.
    #[must_use]
    pub fn after(self, events: usize) -> Self {
        let events = i64::try_from(events).unwrap_or(i64::MAX);
        Self { sequence: self.sequence + 1, position: self.position.saturating_add(events), ..self }
    }
}

/// Where the lane stands; none if its epoch is another one.
pub async fn fence(db: &mut PgConnection, lane: LaneNo, epoch: i64) -> Result<Option<Fence>, StorageError> {
    let row: Option<(i64, i64)> = sqlx::query_as("SELECT sequence, position FROM lanes WHERE lane = $1 AND epoch = $2")
        .bind(number::<_, i16>(lane.0)?)
        .bind(epoch)
        .fetch_optional(db)
        .await?;
    Ok(row.map(|(sequence, position)| Fence { lane, epoch, sequence, position }))
}

/// Ends a transaction of which it is not known whether it was committed: if it is still on its way, this waits for it or shuts it out.
/// `before` is where the lane stood before it. Returns where the lane stands now, and whether that transaction moved it there; none if
/// the epoch is another one by now.
pub async fn settle(db: &mut PgConnection, before: &Fence) -> Result<Option<(Fence, bool)>, StorageError> {
    // Only who has this epoch moves the sequence: one step is ours here, the other that transaction's.
    let row: Option<(i64, i64)> =
        sqlx::query_as("UPDATE lanes SET sequence = sequence + 1 WHERE lane = $1 AND epoch = $2 RETURNING sequence, position")
            .bind(number::<_, i16>(before.lane.0)?)
            .bind(before.epoch)
            .fetch_optional(db)
            .await?;
    Ok(row.map(|(sequence, position)| (Fence { sequence, position, ..*before }, sequence == before.sequence + 2)))
}

/// How many lanes the installation has: what its first migration was told.
pub async fn count(pool: &PgPool) -> Result<LaneCount, StorageError> {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM lanes").fetch_one(pool).await?;
    LaneCount::new(number(count)?).ok_or_else(|| StorageError::Unexpected(format!("the installation has {count} lanes")))
}

/// Makes the lanes of a new installation, and their cursors; returns how many there are. An older installation keeps its number.
pub(crate) async fn install(pool: &PgPool, count: LaneCount) -> Result<LaneCount, StorageError> {
    let mut tx = pool.begin().await?;
    // Two hosts that migrate at once: the second waits and finds the first one's lanes. Lane 0 may have come with an upgrade.
    sqlx::query("LOCK TABLE lanes IN SHARE ROW EXCLUSIVE MODE").execute(&mut *tx).await?;
    for table in ["lanes", "outbox_cursors"] {
        let insert = format!(
            "INSERT INTO {table} (lane) SELECT n FROM generate_series(0, $1 - 1) AS n
             WHERE NOT EXISTS (SELECT FROM {table} WHERE lane > 0) ON CONFLICT DO NOTHING"
        );
        sqlx::query(sqlx::AssertSqlSafe(insert)).bind(i32::from(count.get())).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    self::count(pool).await
}
