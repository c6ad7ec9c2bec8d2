//! Lanes: how many there are, and each lane's row, which every transaction that decides for it moves on first.

pub mod leases;

use goticket_domain::lane::LaneCount;
use sqlx::PgPool;

use crate::StorageError;
use crate::columns::number;

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
