//! Invitations: a single-use token, of which only the hash is stored, for one address.

use goticket_domain::identity::EmailAddress;
use goticket_domain::identity::organization::{
    Invitation, InvitationRefusal, MEMBERS_MAX, MEMBERSHIPS_MAX, MemberRole, Membership, OPEN_INVITATIONS_MAX,
};
use goticket_domain::{AccountId, InvitationId, OrganizationId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

use super::{add_member, lock, lock_account, memberships};
use crate::StorageError;
use crate::columns::parsed;

/// SHA-256 of a token.
pub type TokenHash = [u8; 32];

/// Somebody is asked to become a member.
#[derive(Clone, Debug)]
pub struct NewInvitation<'a> {
    /// Of which organization.
    pub organization: OrganizationId,
    /// Who is meant.
    pub email: &'a EmailAddress,
    /// As what.
    pub role: MemberRole,
    /// Who asks.
    pub by: AccountId,
    /// Of the token that is told once.
    pub token_hash: TokenHash,
}

/// What came of accepting an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// They are a member, as said here: who was one already stays what they are.
    Member(Membership),
    /// No one was given this token, or it was withdrawn.
    Unknown,
    /// It is of no use, to them or now.
    Refused(InvitationRefusal),
    /// The organization has as many members as one can have, or the account as many organizations.
    Full,
}

/// Stores an invitation; returns its id and until when it can be accepted. None where too many wait for an answer.
pub async fn invite(pool: &PgPool, new: &NewInvitation<'_>) -> Result<Option<(InvitationId, Timestamp)>, StorageError> {
    let mut tx = pool.begin().await?;
    let (id, now) = (InvitationId::generate(), now(&mut tx).await?);
    // Counted and written by one at a time.
    lock(&mut tx, new.organization).await?;
    let expires_at = Invitation::expires_at(now);
    let open: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM organization_invitations WHERE organization = $1 AND accepted_at IS NULL AND expires_at > $2",
    )
    .bind(new.organization.0)
    .bind(now.to_sqlx())
    .fetch_one(&mut *tx)
    .await?;
    if open >= i64::from(OPEN_INVITATIONS_MAX) {
        return Ok(None);
    }
    sqlx::query(
        "INSERT INTO organization_invitations (id, organization, email, role, token_hash, invited_by, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(id.0)
    .bind(new.organization.0)
    .bind(new.email.as_str())
    .bind(new.role.as_str())
    .bind(new.token_hash.as_slice())
    .bind(new.by.0)
    .bind(expires_at.to_sqlx())
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Some((id, expires_at)))
}

/// The clock of the database, which every invitation lives by.
async fn now(db: &mut PgConnection) -> Result<Timestamp, StorageError> {
    Ok(sqlx::query_scalar::<_, jiff_sqlx::Timestamp>("SELECT clock_timestamp()").fetch_one(db).await?.to_jiff())
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    organization: Uuid,
    email: String,
    role: String,
    expires_at: jiff_sqlx::Timestamp,
    accepted: bool,
}

impl Row {
    fn invitation(&self) -> Result<Invitation, StorageError> {
        Ok(Invitation {
            organization: OrganizationId(self.organization),
            email: EmailAddress::parse(&self.email).map_err(|error| StorageError::Unexpected(error.to_string()))?,
            role: parsed(&self.role)?,
            expires_at: self.expires_at.to_jiff(),
            accepted: self.accepted,
        })
    }
}

/// The holder of this account and address accepts the invitation with this token. Of two at once one finds it used.
pub async fn accept(
    pool: &PgPool,
    token_hash: &TokenHash,
    account: AccountId,
    email: &EmailAddress,
) -> Result<Accepted, StorageError> {
    let mut tx = pool.begin().await?;
    // organization_invitations_token. The organization is locked before the invitation, as it is where invitations are withdrawn.
    let of: Option<Uuid> = sqlx::query_scalar("SELECT organization FROM organization_invitations WHERE token_hash = $1")
        .bind(token_hash.as_slice())
        .fetch_optional(&mut *tx)
        .await?;
    let Some(of) = of.map(OrganizationId) else { return Ok(Accepted::Unknown) };
    lock_account(&mut tx, account).await?;
    lock(&mut tx, of).await?;
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, organization, email, role, expires_at, accepted_at IS NOT NULL AS accepted
         FROM organization_invitations WHERE token_hash = $1 FOR UPDATE",
    )
    .bind(token_hash.as_slice())
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(Accepted::Unknown) };
    let invitation = row.invitation()?;
    if let Err(refusal) = invitation.check(email, now(&mut tx).await?) {
        return Ok(Accepted::Refused(refusal));
    }
    let Some(membership) = join(&mut tx, &invitation, account).await? else { return Ok(Accepted::Full) };
    sqlx::query("UPDATE organization_invitations SET accepted_at = clock_timestamp(), accepted_by = $2 WHERE id = $1")
        .bind(row.id)
        .bind(account.0)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(Accepted::Member(membership))
}

/// Makes them a member, where there is room. Account and organization are locked.
async fn join(db: &mut PgConnection, invitation: &Invitation, account: AccountId) -> Result<Option<Membership>, StorageError> {
    let of = invitation.organization;
    let theirs = memberships(db, account).await?;
    if let Some(member) = theirs.iter().find(|member| member.organization == of) {
        return Ok(Some(*member));
    }
    let members: i64 = sqlx::query_scalar("SELECT count(*) FROM organization_members WHERE organization = $1")
        .bind(of.0)
        .fetch_one(&mut *db)
        .await?;
    if theirs.len() >= MEMBERSHIPS_MAX as usize || members >= i64::from(MEMBERS_MAX) {
        return Ok(None);
    }
    add_member(db, of, account, invitation.role).await?;
    Ok(Some(Membership { organization: of, role: invitation.role }))
}
