//! Accounts: who can log in, with which password hash and role.

mod standing;

use goticket_domain::AccountId;
use goticket_domain::identity::{EmailAddress, Role};
use jiff::Timestamp;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

pub use standing::{change_password, disable, enable, reset_password, store_rehashed};

use crate::StorageError;

/// An account as its holder sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Lower case.
    pub email: String,
    /// How tickets and mails call the holder.
    pub name: String,
    /// What it may do now; a token may still carry an older one.
    pub role: Role,
    /// When its holder showed that the address is theirs; none where they have not.
    pub email_verified_at: Option<Timestamp>,
}

/// What a log-in compares with.
#[derive(Clone)]
pub struct Credentials {
    /// The account.
    pub account: Account,
    /// As the gateway stores it; None for an account that cannot log in by password.
    pub password_hash: Option<String>,
    /// How often its holder set another password: what is proved by this one is void when that has changed.
    pub password_generation: i32,
    /// It may not log in.
    pub disabled: bool,
}

pub(crate) type Row = (Uuid, String, String, String, Option<jiff_sqlx::Timestamp>);

pub(crate) fn account((id, email, name, role, verified): Row) -> Result<Account, StorageError> {
    let role = role.parse().map_err(|_| StorageError::Unexpected(format!("account {id} has an unknown role")))?;
    Ok(Account { id: AccountId(id), email, name, role, email_verified_at: verified.map(jiff_sqlx::Timestamp::to_jiff) })
}

/// Adds an account. None where the address is taken: which of two simultaneous registrations wins, the unique constraint decides.
pub async fn insert(
    pool: &PgPool,
    email: &EmailAddress,
    name: &str,
    role: Role,
    password_hash: Option<&str>,
) -> Result<Option<Account>, StorageError> {
    let row: Option<Row> = sqlx::query_as(
        "INSERT INTO accounts (id, email, name, role, password_hash)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT ON CONSTRAINT accounts_email_unique DO NOTHING
         RETURNING id, email, name, role, email_verified_at",
    )
    .bind(AccountId::generate().0)
    .bind(email.as_str())
    .bind(name)
    .bind(role.as_str())
    .bind(password_hash)
    .fetch_optional(pool)
    .await?;
    row.map(account).transpose()
}

#[derive(FromRow)]
struct CredentialsRow {
    id: Uuid,
    email: String,
    name: String,
    role: String,
    email_verified_at: Option<jiff_sqlx::Timestamp>,
    password_hash: Option<String>,
    password_generation: i32,
    disabled: bool,
}

impl TryFrom<CredentialsRow> for Credentials {
    type Error = StorageError;

    fn try_from(row: CredentialsRow) -> Result<Self, StorageError> {
        let CredentialsRow { password_hash, password_generation, disabled, .. } = row;
        let account = account((row.id, row.email, row.name, row.role, row.email_verified_at))?;
        Ok(Self { account, password_hash, password_generation, disabled })
    }
}

/// Looks an account up for a log-in, by the unique index on the address.
pub async fn credentials(pool: &PgPool, email: &EmailAddress) -> Result<Option<Credentials>, StorageError> {
    let row: Option<CredentialsRow> = sqlx::query_as(
        "SELECT id, email, name, role, email_verified_at, password_hash, password_generation, disabled_at IS NOT NULL AS disabled
         FROM accounts WHERE email = $1",
    )
    .bind(email.as_str())
    .fetch_optional(pool)
    .await?;
    row.map(Credentials::try_from).transpose()
}

/// The same for somebody who is logged in.
pub async fn credentials_of(pool: &PgPool, id: AccountId) -> Result<Option<Credentials>, StorageError> {
    let row: Option<CredentialsRow> = sqlx::query_as(
        "SELECT id, email, name, role, email_verified_at, password_hash, password_generation, disabled_at IS NOT NULL AS disabled
         FROM accounts WHERE id = $1",
    )
    .bind(id.0)
    .fetch_optional(pool)
    .await?;
    row.map(Credentials::try_from).transpose()
}

/// One account.
pub async fn find(pool: &PgPool, id: AccountId) -> Result<Option<Account>, StorageError> {
    let row: Option<Row> = sqlx::query_as("SELECT id, email, name, role, email_verified_at FROM accounts WHERE id = $1")
        .bind(id.0)
        .fetch_optional(pool)
        .await?;
    row.map(account).transpose()
}

/// Its holder has shown that this address is theirs. False where there is no such account, or it has another address by now. Showing it
/// again changes nothing.
pub async fn verify_email(pool: &PgPool, id: AccountId, email: &EmailAddress) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "UPDATE accounts SET email_verified_at = coalesce(email_verified_at, clock_timestamp()) WHERE id = $1 AND email = $2",
    )
    .bind(id.0)
    .bind(email.as_str())
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives an account another role; false where there is no such account. Takes effect at its next refresh of a token.
pub async fn set_role(pool: &PgPool, email: &EmailAddress, role: Role) -> Result<bool, StorageError> {
    let done = sqlx::query("UPDATE accounts SET role = $2 WHERE email = $1")
        .bind(email.as_str())
        .bind(role.as_str())
        .execute(pool)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// An account that is made together with many others.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Its id.
    pub id: AccountId,
    /// Its address.
    pub email: EmailAddress,
    /// How tickets and mails call the holder.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// bcrypt; None for an account that cannot log in by password.
    pub password_hash: Option<String>,
}

/// Adds all of these accounts or, where one address is taken, none.
pub async fn insert_all(pool: &PgPool, new: &[NewAccount]) -> Result<(), StorageError> {
    let ids: Vec<Uuid> = new.iter().map(|account| account.id.0).collect();
    let emails: Vec<&str> = new.iter().map(|account| account.email.as_str()).collect();
    let names: Vec<&str> = new.iter().map(|account| account.name.as_str()).collect();
    let roles: Vec<&str> = new.iter().map(|account| account.role.as_str()).collect();
    let hashes: Vec<Option<&str>> = new.iter().map(|account| account.password_hash.as_deref()).collect();
    sqlx::query(
        "INSERT INTO accounts (id, email, name, role, password_hash)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])",
    )
    .bind(ids)
    .bind(emails)
    .bind(names)
    .bind(roles)
    .bind(hashes)
    .execute(pool)
    .await?;
    Ok(())
}
