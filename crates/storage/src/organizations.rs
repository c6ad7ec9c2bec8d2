//! Organizations and their members. Whoever changes who is a member holds the organization's row: what was counted is so until the commit.

pub mod invitations;
mod members;

use goticket_domain::identity::Role;
use goticket_domain::identity::organization::{MEMBERSHIPS_MAX, MemberRole, Membership, OrganizationName};
use goticket_domain::policy::User;
use goticket_domain::{AccountId, OrganizationId};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::StorageError;
use crate::columns::{parsed, uuids};

pub use members::{Change, Member, change_member, members, remove_member, role_of};

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// What it is called.
    pub name: String,
}

/// What an account may do by what it is now: its role, whether its address is verified, and where it is a member. None where it is gone. One statement, by
/// primary key and `organization_members_by_account`.
pub async fn standing(pool: &PgPool, account: AccountId) -> Result<Option<User>, StorageError> {
    type Row = (String, bool, Option<Uuid>, Option<String>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT a.role, a.email_verified_at IS NOT NULL, m.organization, m.role
         FROM accounts a LEFT JOIN organization_members m ON m.account = a.id
         WHERE a.id = $1 ORDER BY m.organization",
    )
    .bind(account.0)
    .fetch_all(pool)
    .await?;
    let Some((role, email_verified, ..)) = rows.first() else { return Ok(None) };
    let role: Role = role.parse().map_err(|_| StorageError::Unexpected(format!("account {account} has an unknown role")))?;
    let email_verified = *email_verified;
    let memberships = rows.into_iter().filter_map(|(_, _, organization, role)| organization.zip(role));
    let memberships = memberships.map(|(organization, role)| membership(organization, &role)).collect::<Result<_, _>>()?;
    Ok(Some(User { account, role, email_verified, memberships }))
}

fn membership(organization: Uuid, role: &str) -> Result<Membership, StorageError> {
    Ok(Membership { organization: OrganizationId(organization), role: parsed(role)? })
}

/// Makes an organization whose owner is this account. None where it is a member of as many as it may be.
pub async fn found(pool: &PgPool, founder: AccountId, name: &OrganizationName) -> Result<Option<Organization>, StorageError> {
    let mut tx = pool.begin().await?;
    lock_account(&mut tx, founder).await?;
    if memberships(&mut tx, founder).await?.len() >= MEMBERSHIPS_MAX as usize {
        return Ok(None);
    }
    let organization = insert(&mut tx, founder, name.as_str()).await?;
    tx.commit().await?;
    Ok(Some(organization))
}

/// Which organization is meant by who names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// The only one, or one that was made for them.
    Is(OrganizationId),
    /// They must say which.
    Several,
    /// There is none, and they are members of as many others as they may be.
    Full,
}

/// The one organization of this account in which it `may`; where there is none, a new one that is called as the account is. Two who ask at once get the same one.
pub async fn only_or_first(pool: &PgPool, account: AccountId, may: impl Fn(&Membership) -> bool) -> Result<Own, StorageError> {
    let mut tx = pool.begin().await?;
    let name = lock_account(&mut tx, account).await?;
    let theirs = memberships(&mut tx, account).await?;
    let mut fit = theirs.iter().filter(|member| may(member));
    match (fit.next(), fit.next()) {
        (Some(only), None) => Ok(Own::Is(only.organization)),
        (Some(_), Some(_)) => Ok(Own::Several),
        (None, _) if theirs.len() >= MEMBERSHIPS_MAX as usize => Ok(Own::Full),
        (None, _) => {
            let organization = insert(&mut tx, account, &name).await?;
            tx.commit().await?;
            Ok(Own::Is(organization.id))
        }
    }
}

/// Until the transaction ends nobody else makes this account a member anywhere. Returns what it is called.
async fn lock_account(db: &mut PgConnection, account: AccountId) -> Result<String, StorageError> {
    // Not FOR UPDATE: rows that refer to the account are written meanwhile.
    let name = sqlx::query_scalar("SELECT name FROM accounts WHERE id = $1 FOR NO KEY UPDATE")
        .bind(account.0)
        .fetch_optional(db)
        .await?;
    name.ok_or_else(|| StorageError::Unexpected(format!("account {account} is gone")))
}

async fn memberships(db: &mut PgConnection, account: AccountId) -> Result<Vec<Membership>, StorageError> {
    // organization_members_by_account.
    let rows: Vec<(Uuid, String)> =
        sqlx::query_as("SELECT organization, role FROM organization_members WHERE account = $1 ORDER BY organization")
            .bind(account.0)
            .fetch_all(db)
            .await?;
    rows.iter().map(|(organization, role)| membership(*organization, role)).collect()
}

async fn insert(db: &mut PgConnection, owner: AccountId, name: &str) -> Result<Organization, StorageError> {
    let id = OrganizationId::generate();
    sqlx::query("INSERT INTO organizations (id, name) VALUES ($1, $2)").bind(id.0).bind(name).execute(&mut *db).await?;
    add_member(db, id, owner, MemberRole::Owner).await?;
    Ok(Organization { id, name: name.to_owned() })
}

async fn add_member(db: &mut PgConnection, of: OrganizationId, account: AccountId, role: MemberRole) -> Result<(), StorageError> {
    sqlx::query("INSERT INTO organization_members (organization, account, role, since) VALUES ($1, $2, $3, clock_timestamp())")
        .bind(of.0)
        .bind(account.0)
        .bind(role.as_str())
        .execute(db)
        .await?;
    Ok(())
}

/// Until the transaction ends nobody else changes who is a member. False: there is no such organization.
async fn lock(db: &mut PgConnection, id: OrganizationId) -> Result<bool, StorageError> {
    let found: Option<i32> =
        sqlx::query_scalar("SELECT 1 FROM organizations WHERE id = $1 FOR NO KEY UPDATE").bind(id.0).fetch_optional(db).await?;
    Ok(found.is_some())
}

/// One organization.
pub async fn find(pool: &PgPool, id: OrganizationId) -> Result<Option<Organization>, StorageError> {
    let name = sqlx::query_scalar("SELECT name FROM organizations WHERE id = $1").bind(id.0).fetch_optional(pool).await?;
    Ok(name.map(|name| Organization { id, name }))
}

/// Organizations by id, at most `limit` after `after`: of these, or of all. By the primary key.
pub async fn list(
    pool: &PgPool,
    of: Option<&[OrganizationId]>,
    after: Option<OrganizationId>,
    limit: u32,
) -> Result<Vec<Organization>, StorageError> {
    let rows: Vec<(Uuid, String)> = sqlx::query_as(
        "SELECT id, name FROM organizations
         WHERE ($1::uuid[] IS NULL OR id = ANY($1)) AND ($2::uuid IS NULL OR id > $2)
         ORDER BY id
         LIMIT $3",
    )
    .bind(of.map(|of| uuids(of, |id| id.0)))
    .bind(after.map(|after| after.0))
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|(id, name)| Organization { id: OrganizationId(id), name }).collect())
}

/// Calls it otherwise; false where there is no such organization.
pub async fn rename(pool: &PgPool, id: OrganizationId, name: &OrganizationName) -> Result<bool, StorageError> {
    let done =
        sqlx::query("UPDATE organizations SET name = $2 WHERE id = $1").bind(id.0).bind(name.as_str()).execute(pool).await?;
    Ok(done.rows_affected() == 1)
}
