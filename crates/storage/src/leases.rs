//! Leases: which process has which of the things that processes share, each for as long as it is heard of: lanes, for deciding bookings
//! (`lanes`) and for publishing the outbox (`outbox_cursors`), and waiting rooms (`room_owners`).
//!
//! A process is a member, and lives as long as it is heard of: one row of `lane_members` renews the lease of everything it has. A thing
//! is free when it has no owner, or one that no one has heard of for the length of the lease, by the database's clock. Every take raises
//! its epoch.
//!
//! A lease only spares two processes the work of one. What keeps an owner that was replaced from changing anything is the epoch, which
//! every change of what is shared asks for: nothing is wrong with clocks that jump, or leases that differ between processes.

mod plan;
mod shares;

use std::{
    fmt::{Debug, Display},
    time::Duration,
};

use goticket_domain::{EventId, lane::LaneNo};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use crate::{
    StorageError,
    columns::{number, unexpected},
};

pub use shares::{Change, Shares};

/// What processes share, and for what.
pub trait Shared: Copy + Debug + Send + Sync + 'static {
    /// What one of these things is called.
    type Key: Key;

    /// Its name in `lane_members`.
    fn as_str(self) -> &'static str;

    /// The table of owners and epochs.
    fn table(self) -> &'static str;

    /// The gauge of how many a process has.
    fn gauge(self) -> &'static str {
        "goticket_lanes_held"
    }

    /// The epoch after `o.epoch`, in SQL.
    fn next_epoch(self) -> &'static str {
        "o.epoch + 1"
    }
}

/// What a shared thing is called.
pub trait Key: Copy + Ord + Debug + Display + Send + Sync + 'static {
    /// Its column.
    const COLUMN: &'static str;
    /// The column's type.
    const TYPE: &'static str;

    /// As the column's text.
    fn read(text: &str) -> Result<Self, StorageError>;
}

impl Key for LaneNo {
    const COLUMN: &'static str = "lane";
    const TYPE: &'static str = "smallint";

    fn read(text: &str) -> Result<Self, StorageError> {
        text.parse().map(Self).map_err(unexpected)
    }
}

impl Key for EventId {
    const COLUMN: &'static str = "event";
    const TYPE: &'static str = "uuid";

    fn read(text: &str) -> Result<Self, StorageError> {
        text.parse().map_err(unexpected)
    }
}

/// What lanes are shared for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Deciding commands.
    Booking,
    /// Publishing the outbox.
    Relay,
}

impl Shared for Role {
    type Key = LaneNo;

    fn as_str(self) -> &'static str {
        match self {
            Self::Booking => "booking",
            Self::Relay => "relay",
        }
    }

    fn table(self) -> &'static str {
        match self {
            Self::Booking => "lanes",
            Self::Relay => "outbox_cursors",
        }
    }
}

/// Waiting rooms: their owner admits fans, keeps the schedule and makes the board.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RoomOwner;

impl Shared for RoomOwner {
    type Key = EventId;

    fn as_str(self) -> &'static str {
        "rooms"
    }

    fn table(self) -> &'static str {
        "room_owners"
    }

    fn gauge(self) -> &'static str {
        "admission_rooms_owned"
    }

    /// Boards are ordered by it outside the database: where the database was restored from a dump, it must not come twice.
    fn next_epoch(self) -> &'static str {
        "greatest(o.epoch + 1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)"
    }
}

/// One thing under one epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lease<K = LaneNo> {
    /// What it is called.
    pub key: K,
    /// Rises with every change of the owner.
    pub epoch: i64,
}

/// How a row was read. Its owner may be one that is not heard of any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Owned<K = LaneNo> {
    /// The thing and its epoch.
    pub lease: Lease<K>,
    /// Who took it last; none where it was released since.
    pub owner: Option<Uuid>,
}

/// Key as text, epoch, owner.
type Row = (String, i64, Option<Uuid>);

fn owned<K: Key>((key, epoch, owner): Row) -> Result<Owned<K>, StorageError> {
    Ok(Owned { lease: Lease { key: K::read(&key)?, epoch }, owner })
}

/// Tells that `member` lives, which renews its lease of all it owns, and forgets who was silent for `lease`. Returns the living members
/// in order, `member` among them.
pub async fn beat(db: &mut PgConnection, role: impl Shared, member: Uuid, lease: Duration) -> Result<Vec<Uuid>, StorageError> {
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

/// Everything that is shared: epochs and owners, in order. Locks nothing.
pub async fn all<R: Shared>(db: &mut PgConnection, role: R) -> Result<Vec<Owned<R::Key>>, StorageError> {
    // Ordered as keys: by its mere name the column would be ordered as the text that is selected.
    let read =
        format!("SELECT {key}::text, epoch, owner FROM {table} o ORDER BY o.{key}", key = R::Key::COLUMN, table = role.table());
    let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(read)).fetch_all(db).await?;
    rows.into_iter().map(owned).collect()
}

/// Makes `member` the owner of at most `limit` of these, each under its next epoch, and returns what it got. What somebody else takes at
/// this moment, or has taken since it was read, is left out, whoever is first.
pub async fn take<R: Shared>(
    db: &mut PgConnection,
    role: R,
    member: Uuid,
    free: &[Lease<R::Key>],
    limit: usize,
) -> Result<Vec<Lease<R::Key>>, StorageError> {
    // By primary key. Of concurrent takers one locks a row, the others skip it; one that comes after the commit finds another epoch. The
    // common table expression is evaluated once: as a subquery it could be scanned again, and lock others.
    let take = format!(
        "WITH taken AS MATERIALIZED (
             SELECT o.{key}
             FROM UNNEST($2::text[]::{of}[], $3::bigint[]) WITH ORDINALITY AS free (key, epoch, place)
             JOIN {table} o ON o.{key} = free.key AND o.epoch = free.epoch
             ORDER BY free.place
             LIMIT $4
             FOR UPDATE OF o SKIP LOCKED)
         UPDATE {table} o SET epoch = {next}, owner = $1
         FROM taken WHERE o.{key} = taken.{key}
         RETURNING o.{key}::text, o.epoch, o.owner",
        key = R::Key::COLUMN,
        of = R::Key::TYPE,
        table = role.table(),
        next = role.next_epoch(),
    );
    let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(take))
        .bind(member)
        .bind(free.iter().map(|lease| lease.key.to_string()).collect::<Vec<_>>())
        .bind(free.iter().map(|lease| lease.epoch).collect::<Vec<_>>())
        .bind(number::<_, i64>(limit)?)
        .fetch_all(db)
        .await?;
    let taken = rows.into_iter().map(|row| Ok(owned(row)?.lease));
    let mut taken = taken.collect::<Result<Vec<Lease<R::Key>>, StorageError>>()?;
    taken.sort_unstable_by_key(|lease| lease.key);
    Ok(taken)
}

/// Gives one thing back. False where `member` does not own it under this epoch any more.
pub async fn release<R: Shared>(
    db: &mut PgConnection,
    role: R,
    member: Uuid,
    lease: Lease<R::Key>,
) -> Result<bool, StorageError> {
    // By primary key. Waits for a transaction of its owner that is still under way: there should be none.
    let release = format!(
        "UPDATE {table} SET owner = NULL WHERE {key} = $1::{of} AND owner = $2 AND epoch = $3",
        key = R::Key::COLUMN,
        of = R::Key::TYPE,
        table = role.table(),
    );
    let done = sqlx::query(AssertSqlSafe(release)).bind(lease.key.to_string()).bind(member).bind(lease.epoch).execute(db).await?;
    Ok(done.rows_affected() == 1)
}

/// Gives everything back and forgets the member: others need not wait for the end of its lease. Returns how much it had.
pub async fn leave(db: &mut PgConnection, role: impl Shared, member: Uuid) -> Result<u64, StorageError> {
    // What a concurrent taker has by now is not `member`'s any more, and stays as it is.
    let leave = format!(
        "WITH gone AS (DELETE FROM lane_members WHERE role = $1 AND member = $2)
         UPDATE {} SET owner = NULL WHERE owner = $2",
        role.table()
    );
    let done = sqlx::query(AssertSqlSafe(leave)).bind(role.as_str()).bind(member).execute(db).await?;
    Ok(done.rows_affected())
}
