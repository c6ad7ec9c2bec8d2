//! Whether an account may log in, and with which password.

use goticket_domain::AccountId;
use goticket_domain::identity::EmailAddress;
use sqlx::PgPool;
use uuid::Uuid;

use crate::StorageError;
use crate::sessions::{EndReason, end_others};

/// Lets an account log in no more, and ends its sessions: how many. None where there is no such account. Doing it again changes nothing.
pub async fn disable(pool: &PgPool, email: &EmailAddress) -> Result<Option<usize>, StorageError> {
    let mut transaction = pool.begin().await?;
    let account: Option<(Uuid,)> = sqlx::query_as(
        "UPDATE accounts SET disabled_at = coalesce(disabled_at, clock_timestamp()) WHERE email = $1 RETURNING id",
    )
    .bind(email.as_str())
    .fetch_optional(&mut *transaction)
    .await?;
    let Some((account,)) = account else { return Ok(None) };
    let ended = end_others(&mut transaction, AccountId(account), None, EndReason::Disabled).await?;
    transaction.commit().await?;
    Ok(Some(ended.len()))
}

/// Lets it log in again; its sessions stay ended. False where there is no such account.
pub async fn enable(pool: &PgPool, email: &EmailAddress) -> Result<bool, StorageError> {
    let done = sqlx::query("UPDATE accounts SET disabled_at = NULL WHERE email = $1").bind(email.as_str()).execute(pool).await?;
    Ok(done.rows_affected() == 1)
}

/// Sets another password and ends all sessions but one: which. None where the password was changed, or the account disabled, since
/// `seen_generation` was read.
pub async fn change_password(
    pool: &PgPool,
    account: AccountId,
    seen_generation: i32,
    hash: &str,
    keep: Uuid,
) -> Result<Option<Vec<Uuid>>, StorageError> {
    let mut transaction = pool.begin().await?;
    let changed = sqlx::query(
        "UPDATE accounts SET password_hash = $3, password_generation = password_generation + 1
         WHERE id = $1 AND password_generation = $2 AND disabled_at IS NULL",
    )
    .bind(account.0)
    .bind(seen_generation)
    .bind(hash)
    .execute(&mut *transaction)
    .await?
    .rows_affected();
    if changed == 0 {
        return Ok(None);
    }
    let ended = end_others(&mut transaction, account, Some(keep), EndReason::PasswordChanged).await?;
    transaction.commit().await?;
    Ok(Some(ended))
}

/// Sets another password for whoever has read a mail to this address, which is verified by that, and ends all sessions: which. None where the
/// password or the address was changed, or the account disabled, since `seen_generation` was read.
pub async fn reset_password(
    pool: &PgPool,
    account: AccountId,
    email: &EmailAddress,
    seen_generation: i32,
    hash: &str,
) -> Result<Option<Vec<Uuid>>, StorageError> {
    let mut transaction = pool.begin().await?;
    let changed = sqlx::query(
        "UPDATE accounts SET password_hash = $4, password_generation = password_generation + 1,
                email_verified_at = coalesce(email_verified_at, clock_timestamp())
         WHERE id = $1 AND email = $2 AND password_generation = $3 AND disabled_at IS NULL",
    )
    .bind(account.0)
    .bind(email.as_str())
    .bind(seen_generation)
    .bind(hash)
    .execute(&mut *transaction)
    .await?
    .rows_affected();
    if changed == 0 {
        return Ok(None);
    }
    let ended = end_others(&mut transaction, account, None, EndReason::PasswordReset).await?;
    transaction.commit().await?;
    Ok(Some(ended))
}

/// Stores another hash of the same password. Changes nothing where there is another one by now, and ends no session.
pub async fn store_rehashed(pool: &PgPool, account: AccountId, old: &str, hash: &str) -> Result<bool, StorageError> {
    let done = sqlx::query("UPDATE accounts SET password_hash = $3 WHERE id = $1 AND password_hash = $2")
        .bind(account.0)
        .bind(old)
        .bind(hash)
        .execute(pool)
        .await?;
    Ok(done.rows_affected() == 1)
}
