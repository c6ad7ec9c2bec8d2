//! Whose the places are in rooms that ask for verified addresses: one account for each person.

use std::collections::HashMap;

use goticket_domain::identity::EmailAddress;
use goticket_domain::queue::EntryRefusal;
use goticket_domain::{AccountId, EventId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::StorageError;

/// A person, as [`EmailAddress::identity`] tells them apart.
pub type Identity = [u8; 32];

/// What came of claiming places.
#[derive(Debug)]
pub struct ClaimedIdentities {
    /// Of each account whether it may have a place.
    pub told: Vec<Result<(), EntryRefusal>>,
    /// Persons of whom one of these accounts is the first only now.
    pub first: Vec<(AccountId, Identity)>,
}

/// Of each of these accounts, in their order, whether it may have a place: its address is verified, and it is the first account of its
/// person that asks. In the caller's transaction.
pub async fn claim(db: &mut PgConnection, event: EventId, accounts: &[AccountId]) -> Result<ClaimedIdentities, StorageError> {
    let identities = identities(db, accounts).await?;
    let mut asked: Vec<(Identity, Uuid)> =
        identities.iter().zip(accounts).filter_map(|(identity, account)| Some(((*identity)?, account.0))).collect();
    // Locked by everyone in this order; of two accounts of one person the one that asked first comes first.
    asked.sort_by_key(|(identity, _)| *identity);
    let (keys, owners): (Vec<Vec<u8>>, Vec<Uuid>) = asked.into_iter().map(|(key, owner)| (key.to_vec(), owner)).unzip();
    // Where another transaction is claiming one of them, this waits for it, and the next statement sees what it has done.
    let first: Vec<(Uuid, Vec<u8>)> = sqlx::query_as(
        "INSERT INTO queue_identities (event, identity, account)
         SELECT $1, asked.identity, asked.account FROM unnest($2::bytea[], $3::uuid[]) AS asked (identity, account)
         ON CONFLICT (event, identity) DO NOTHING RETURNING account, identity",
    )
    .bind(event.0)
    .bind(&keys)
    .bind(owners)
    .fetch_all(&mut *db)
    .await?;
    let owners: Vec<(Vec<u8>, Uuid)> =
        sqlx::query_as("SELECT identity, account FROM queue_identities WHERE event = $1 AND identity = ANY($2)")
            .bind(event.0)
            .bind(&keys)
            .fetch_all(db)
            .await?;
    let owners: HashMap<Vec<u8>, Uuid> = owners.into_iter().collect();
    let told = identities.iter().zip(accounts).map(|(identity, account)| {
        let identity = identity.ok_or(EntryRefusal::IdentityNotVerified)?;
        if owners.get(identity.as_slice()) == Some(&account.0) { Ok(()) } else { Err(EntryRefusal::IdentityHasPlace) }
    });
    let first = first.into_iter().map(|(account, identity)| Ok((AccountId(account), read(&identity)?)));
    Ok(ClaimedIdentities { told: told.collect(), first: first.collect::<Result<_, StorageError>>()? })
}

/// These persons have no place after all: another account of theirs may be the first. In the transaction of [`claim`].
pub async fn release(db: &mut PgConnection, event: EventId, identities: &[Identity]) -> Result<(), StorageError> {
    if identities.is_empty() {
        return Ok(());
    }
    let keys: Vec<&[u8]> = identities.iter().map(<[u8; 32]>::as_slice).collect();
    // By primary key.
    sqlx::query("DELETE FROM queue_identities WHERE event = $1 AND identity = ANY($2)")
        .bind(event.0)
        .bind(keys)
        .execute(db)
        .await?;
    Ok(())
}

fn read(bytes: &[u8]) -> Result<Identity, StorageError> {
    bytes.try_into().map_err(|_| StorageError::Unexpected(format!("an identity has {} bytes", bytes.len())))
}

/// The persons behind these accounts; none where the address is not verified.
async fn identities(db: &mut PgConnection, accounts: &[AccountId]) -> Result<Vec<Option<Identity>>, StorageError> {
    let ids: Vec<Uuid> = accounts.iter().map(|account| account.0).collect();
    // By primary key, in the order of the accounts.
    let addresses: Vec<Option<String>> = sqlx::query_scalar(
        "SELECT a.email FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (id, place)
              LEFT JOIN accounts a ON a.id = asked.id AND a.email_verified_at IS NOT NULL
         ORDER BY asked.place",
    )
    .bind(ids)
    .fetch_all(db)
    .await?;
    let identity = |address: Option<String>| Some(EmailAddress::parse(&address?).ok()?.identity());
    Ok(addresses.into_iter().map(identity).collect())
}
