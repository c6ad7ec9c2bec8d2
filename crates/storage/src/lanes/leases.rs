//! Leases: which process has which lanes, for deciding bookings (`lanes`) and for publishing the outbox (`outbox_cursors`).
//!
//! A process is a member, and lives as long as it is heard of: one row of `lane_members` renews the lease of everything it has. A lane
//! is free when it has no owner, or one that nobody has heard of for the length of the lease, by the database's clock. Every take raises
//! the lane's epoch.
//!
//! A lease only spares two processes the work of one lane. What keeps an owner that was replaced from changing anything is the epoch,
//! which every change of the lane's row asks for: nothing is wrong with clocks that jump, or leases that differ between processes.

use std::time::Duration;

use goticket_domain::lane::LaneNo;
use sqlx::{AssertSqlSafe, FromRow, PgConnection};
use uuid::Uuid;

use crate::{
    StorageError,
    columns::{number, numbers},
};

/// What lanes are shared for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Deciding commands.
    Booking,
    /// Publishing the outbox.
    Relay,
}

impl Role {
    /// Its name in `lane_members`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Booking => "booking",
            Self::Relay => "relay",
        }
    }

    /// The table of its lanes' owners and epochs.
    fn table(self) -> &'static str {
        match self {
            Self::Booking => "lanes",
            Self::Relay => "outbox_cursors",
        }
    }
}

/// One lane under one epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lease {
    /// The lane.
    pub lane: LaneNo,
    /// Rises with every change of the owner.
    pub epoch: i64,
}

/// How a lane's row was read. Its owner may be one that is not heard of any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Owned {
    /// The lane and its epoch.
    pub lease: Lease,
    /// Who took it last; none where it was released since.
    pub owner: Option<Uuid>,
}

#[derive(FromRow)]
struct Row {
    lane: i16,
    epoch: i64,
    owner: Option<Uuid>,
}

impl TryFrom<Row> for Owned {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self { lease: Lease { lane: LaneNo(number(row.lane)?), epoch: row.epoch }, owner: row.owner })
    }
}

/// Tells that `member` lives, which renews its lease of all it owns, and forgets who was silent for `lease`. Returns the living members
/// in order, `member` among them.
pub async fn beat(db: &mut PgConnection, role: Role, member: Uuid, lease: Duration) -> Result<Vec<Uuid>, StorageError> {
    // A handful of rows, whatever serves it. Concurrent beats each change their own row; a silent one that another is just forgetting,
    // or that comes back at this moment, is not waited for.
    let living = sqlx::query_scalar(
        "WITH heard AS (
             INSERT INTO lane_members (role, member, seen_at) VALUES ($1, $2, now())
             ON CONFLICT (role, member) DO UPDATE SET seen_at = excluded.seen_at
             RETURNING member),
         forgotten AS (
             DELETE FROM lane_members WHERE (role, member) IN (
                 SELECT role, member FROM lane_members
                 WHERE role = $1 AND member <> $2 AND seen_at <= now() - $3 * interval '1 millisecond'
                 FOR UPDATE SKIP LOCKED))
         SELECT member FROM lane_members
         WHERE role = $1 AND member <> $2 AND seen_at > now() - $3 * interval '1 millisecond'
         UNION ALL
         SELECT member FROM heard
         ORDER BY member",
    )
    .bind(role.as_str())
    .bind(member)
    .bind(number::<_, i64>(lease.as_millis())?)
    .fetch_all(db)
    .await?;
    Ok(living)
}

/// Every lane's epoch and owner, in order. Locks nothing.
pub async fn all(db: &mut PgConnection, role: Role) -> Result<Vec<Owned>, StorageError> {
    let read = format!("SELECT lane, epoch, owner FROM {} ORDER BY lane", role.table());
    let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(read)).fetch_all(db).await?;
    rows.into_iter().map(Owned::try_from).collect()
}

/// Makes `member` the owner of at most `limit` of these lanes, each under its next epoch, and returns those it got. A lane that somebody
/// else takes at this moment, or has taken since it was read, is left out, whoever is first.
pub async fn take(
    db: &mut PgConnection,
    role: Role,
    member: Uuid,
    free: &[Lease],
    limit: usize,
) -> Result<Vec<Lease>, StorageError> {
    // By primary key. Of concurrent takers one locks a row, the others skip it; one that comes after the commit finds another epoch. The
    // common table expression is evaluated once: as a subquery it could be scanned again, and lock others.
    let take = format!(
        "WITH taken AS MATERIALIZED (
             SELECT o.lane
             FROM UNNEST($2::smallint[], $3::bigint[]) WITH ORDINALITY AS free (lane, epoch, place)
             JOIN {table} o ON o.lane = free.lane AND o.epoch = free.epoch
             ORDER BY free.place
             LIMIT $4
             FOR UPDATE OF o SKIP LOCKED)
         UPDATE {table} o SET epoch = o.epoch + 1, owner = $1
         FROM taken WHERE o.lane = taken.lane
         RETURNING o.lane, o.epoch, o.owner",
        table = role.table()
    );
    let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(take))
        .bind(member)
        .bind(numbers::<_, _, i16>(free, |lease| lease.lane.0)?)
        .bind(free.iter().map(|lease| lease.epoch).collect::<Vec<_>>())
        .bind(number::<_, i64>(limit)?)
        .fetch_all(db)
        .await?;
    let taken = rows.into_iter().map(|row| Ok(Owned::try_from(row)?.lease));
    let mut taken = taken.collect::<Result<Vec<Lease>, StorageError>>()?;
    taken.sort_unstable_by_key(|lease| lease.lane);
    Ok(taken)
}

/// Gives a lane back. False where `member` does not own it under this epoch any more.
pub async fn release(db: &mut PgConnection, role: Role, member: Uuid, lease: Lease) -> Result<bool, StorageError> {
    // By primary key. Waits for a transaction of the lane that is still under way: its owner should have none.
    let release = format!("UPDATE {} SET owner = NULL WHERE lane = $1 AND owner = $2 AND epoch = $3", role.table());
    let done = sqlx::query(AssertSqlSafe(release))
        .bind(number::<_, i16>(lease.lane.0)?)
        .bind(member)
        .bind(lease.epoch)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives everything back and forgets the member: others need not wait for the end of its lease. Returns how many lanes it had.
pub async fn leave(db: &mut PgConnection, role: Role, member: Uuid) -> Result<u64, StorageError> {
    // What a concurrent taker has by now is not `member`'s any more, and stays as it is.
    let leave = format!(
        "WITH gone AS (DELETE FROM lane_members WHERE role = $1 AND member = $2)
         UPDATE {} SET owner = NULL WHERE owner = $2",
        role.table()
    );
    let done = sqlx::query(AssertSqlSafe(leave)).bind(role.as_str()).bind(member).execute(db).await?;
    Ok(done.rows_affected())
}
