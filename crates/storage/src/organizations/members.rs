//! Members: who they are, and changes of it.

use goticket_domain::identity::organization::MemberRole;
use goticket_domain::{AccountId, OrganizationId};
use jiff::Timestamp;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::lock;
use crate::StorageError;
use crate::columns::parsed;

/// A member, as the organization's owners see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Their account.
    pub account: AccountId,
    /// Its address.
    pub email: String,
    /// What they are called.
    pub name: String,
    /// What they may do.
    pub role: MemberRole,
    /// Since when they are a member.
    pub since: Timestamp,
}

/// What came of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is so now.
    Done,
    /// Their role is another one than was known: somebody changed it meanwhile, or they are a member no more.
    Moved,
    /// They are the last owner.
    LastOwner,
}

/// All members, the first first: an organization has a few hundred at most.
pub async fn members(pool: &PgPool, id: OrganizationId) -> Result<Vec<Member>, StorageError> {
    type Row = (Uuid, String, String, String, jiff_sqlx::Timestamp);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT m.account, a.email, a.name, m.role, m.since
         FROM organization_members m JOIN accounts a ON a.id = m.account
         WHERE m.organization = $1 ORDER BY m.since, m.account",
    )
    .bind(id.0)
    .fetch_all(pool)
    .await?;
    let member = |(account, email, name, role, since): Row| {
        Ok(Member { account: AccountId(account), email, name, role: parsed(&role)?, since: since.to_jiff() })
    };
    rows.into_iter().map(member).collect()
}

/// A member's role; none for whoever is none.
pub async fn role_of(pool: &PgPool, id: OrganizationId, account: AccountId) -> Result<Option<MemberRole>, StorageError> {
    let mut db = pool.acquire().await?;
    role(&mut db, id, account).await
}

async fn role(db: &mut PgConnection, id: OrganizationId, account: AccountId) -> Result<Option<MemberRole>, StorageError> {
    let role: Option<String> =
        sqlx::query_scalar("SELECT role FROM organization_members WHERE organization = $1 AND account = $2")
            .bind(id.0)
            .bind(account.0)
            .fetch_optional(db)
            .await?;
    role.as_deref().map(parsed).transpose()
}

/// Gives a member another role, if theirs is still the one that was known when it was allowed.
pub async fn change_member(
    pool: &PgPool,
    id: OrganizationId,
    account: AccountId,
    from: MemberRole,
    to: MemberRole,
) -> Result<Change, StorageError> {
    let mut tx = pool.begin().await?;
    let change = may_lose(&mut tx, id, account, from, Some(to)).await?;
    if change != Change::Done {
        return Ok(change);
    }
    sqlx::query("UPDATE organization_members SET role = $3 WHERE organization = $1 AND account = $2")
        .bind(id.0)
        .bind(account.0)
        .bind(to.as_str())
        .execute(&mut *tx)
        .await?;
    if from != to {
        withdraw_invitations(&mut tx, id, account).await?;
    }
    tx.commit().await?;
    Ok(change)
}

/// They are a member no more, if their role is still the one that was known when it was allowed.
pub async fn remove_member(
    pool: &PgPool,
    id: OrganizationId,
    account: AccountId,
    from: MemberRole,
) -> Result<Change, StorageError> {
    let mut tx = pool.begin().await?;
    let change = may_lose(&mut tx, id, account, from, None).await?;
    if change != Change::Done {
        return Ok(change);
    }
    sqlx::query("DELETE FROM organization_members WHERE organization = $1 AND account = $2")
        .bind(id.0)
        .bind(account.0)
        .execute(&mut *tx)
        .await?;
    withdraw_invitations(&mut tx, id, account).await?;
    tx.commit().await?;
    Ok(change)
}

/// Whether this member may have `to` instead of `from`. Holds the organization: the owners stay as many as were counted.
async fn may_lose(
    db: &mut PgConnection,
    id: OrganizationId,
    account: AccountId,
    from: MemberRole,
    to: Option<MemberRole>,
) -> Result<Change, StorageError> {
    if !lock(db, id).await? || role(db, id, account).await? != Some(from) {
        return Ok(Change::Moved);
    }
    if from != MemberRole::Owner || to == Some(MemberRole::Owner) {
        return Ok(Change::Done);
    }
    let others: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM organization_members WHERE organization = $1 AND role = 'owner' AND account <> $2)",
    )
    .bind(id.0)
    .bind(account.0)
    .fetch_one(db)
    .await?;
    Ok(if others { Change::Done } else { Change::LastOwner })
}

/// What somebody invited others to with rights that they have no more is worth nothing.
async fn withdraw_invitations(db: &mut PgConnection, id: OrganizationId, by: AccountId) -> Result<(), StorageError> {
    // organization_invitations_open.
    sqlx::query("DELETE FROM organization_invitations WHERE organization = $1 AND invited_by = $2 AND accepted_at IS NULL")
        .bind(id.0)
        .bind(by.0)
        .execute(db)
        .await?;
    Ok(())
}
