//! Who stands in which group of a waiting room. What becomes of it is decided in [`goticket_domain::queue::groups`].

use goticket_domain::queue::PlaceId;
use goticket_domain::queue::groups::{Fan, Member, RosterChange};
use goticket_domain::{AccountId, EventId};
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

use crate::StorageError;
use crate::columns::{number, uuids};

/// A room's log, locked until the transaction ends: no one else's entries or groups come between.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LockedLog {
    /// Entries so far.
    pub size: u64,
    /// Whether the lobby is open.
    pub open: bool,
}

#[derive(FromRow)]
struct Row {
    account: Uuid,
    place: Vec<u8>,
    group_place: Vec<u8>,
}

impl TryFrom<Row> for Member {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self { fan: Fan { account: AccountId(row.account), place: place(&row.place)? }, group: place(&row.group_place)? })
    }
}

fn place(bytes: &[u8]) -> Result<PlaceId, StorageError> {
    let bytes = bytes.try_into().map_err(|_| StorageError::Unexpected(format!("a place has {} bytes", bytes.len())))?;
    Ok(PlaceId(bytes))
}

/// Locks the log's head. Whoever counts groups does it first, so that everyone takes their locks in one order.
pub async fn lock(db: &mut PgConnection, event: EventId) -> Result<LockedLog, StorageError> {
    // By primary key. Statements after this one see what was committed before it was ours.
    let (size, open): (i64, bool) = sqlx::query_as("SELECT size, closed_at IS NULL FROM queue_heads WHERE event = $1 FOR UPDATE")
        .bind(event.0)
        .fetch_optional(db)
        .await?
        .ok_or_else(|| StorageError::Unexpected(format!("event {event} has no log")))?;
    Ok(LockedLog { size: number(size)?, open })
}

/// Everyone in the groups of these accounts, and in those that have these places. Under the lock of [`lock`].
pub async fn load(
    db: &mut PgConnection,
    event: EventId,
    accounts: &[AccountId],
    groups: &[PlaceId],
) -> Result<Vec<Member>, StorageError> {
    let places: Vec<&[u8]> = groups.iter().map(|place| place.0.as_slice()).collect();
    // By primary key to the groups, and by queue_group_members_of to everyone in them.
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT account, place, group_place FROM queue_group_members
         WHERE event = $1 AND group_place IN (
               SELECT group_place FROM queue_group_members WHERE event = $1 AND account = ANY($2) UNION SELECT unnest($3::bytea[]))",
    )
    .bind(event.0)
    .bind(uuids(accounts, |account| account.0))
    .bind(places)
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Member::try_from).collect()
}

/// Writes down what has become of groups that were loaded under the lock.
pub async fn save(db: &mut PgConnection, event: EventId, change: &RosterChange) -> Result<(), StorageError> {
    if !change.out.is_empty() {
        let done = sqlx::query("DELETE FROM queue_group_members WHERE event = $1 AND account = ANY($2)")
            .bind(event.0)
            .bind(uuids(&change.out, |member| member.fan.account.0))
            .execute(&mut *db)
            .await?;
        all(done.rows_affected(), change.out.len(), "out")?;
    }
    if !change.into.is_empty() {
        let column = |of: fn(&Member) -> &PlaceId| change.into.iter().map(|member| of(member).0.to_vec()).collect::<Vec<_>>();
        let done = sqlx::query(
            "INSERT INTO queue_group_members (event, account, place, group_place)
             SELECT $1, * FROM unnest($2::uuid[], $3::bytea[], $4::bytea[])",
        )
        .bind(event.0)
        .bind(uuids(&change.into, |member| member.fan.account.0))
        .bind(column(|member| &member.fan.place))
        .bind(column(|member| &member.group))
        .execute(db)
        .await?;
        all(done.rows_affected(), change.into.len(), "into")?;
    }
    Ok(())
}

fn all(rows: u64, members: usize, which: &str) -> Result<(), StorageError> {
    if usize::try_from(rows) == Ok(members) {
        Ok(())
    } else {
        Err(StorageError::Unexpected(format!("{rows} rows for {members} {which} groups")))
    }
}

/// Everyone in this account's group, as it is at this moment; no one where it stands in none.
pub async fn of_account(pool: &PgPool, event: EventId, account: AccountId) -> Result<Vec<Member>, StorageError> {
    load(&mut *pool.acquire().await?, event, &[account], &[]).await
}

/// How many seats of an event an account may have: who leads a group books for all of it. It never changes once the event is published.
pub async fn seats_of_account(db: &mut PgConnection, event: EventId) -> Result<u32, StorageError> {
    let seats: i32 = sqlx::query_scalar("SELECT ticket_limit FROM events WHERE id = $1").bind(event.0).fetch_one(db).await?;
    number(seats)
}
