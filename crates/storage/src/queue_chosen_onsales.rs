//! In which line an account stands where an event has several: one for each.

use std::collections::HashMap;

use goticket_domain::queue::EntryRefusal;
use goticket_domain::{AccountId, EventId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::StorageError;

/// What came of choosing.
#[derive(Debug)]
pub struct Chosen {
    /// Of each account whether it may stand in this line.
    pub told: Vec<Result<(), EntryRefusal>>,
    /// Those who had not chosen before.
    pub first: Vec<AccountId>,
}

/// Of each of these accounts, in their order, whether it may stand in this line: it has chosen it, or none so far. In the caller's transaction.
pub async fn choose(
    db: &mut PgConnection,
    event: EventId,
    onsale: EventId,
    accounts: &[AccountId],
) -> Result<Chosen, StorageError> {
    let mut ids: Vec<Uuid> = accounts.iter().map(|account| account.0).collect();
    // Locked by everyone in this order. Where another transaction chooses for one of them, this waits for it and sees what it has done.
    ids.sort_unstable();
    ids.dedup();
    let rows: Vec<(Uuid, Uuid, bool)> = sqlx::query_as(
        "INSERT INTO queue_chosen_onsales AS c (event, account, onsale) SELECT $1, id, $2 FROM unnest($3::uuid[]) AS id
         ON CONFLICT (event, account) DO UPDATE SET onsale = c.onsale RETURNING account, onsale, xmax = 0",
    )
    .bind(event.0)
    .bind(onsale.0)
    .bind(ids)
    .fetch_all(db)
    .await?;
    let first = rows.iter().filter(|(.., is_new)| *is_new).map(|(account, ..)| AccountId(*account)).collect();
    let lines: HashMap<Uuid, Uuid> = rows.into_iter().map(|(account, line, _)| (account, line)).collect();
    let told = |account: &AccountId| match lines.get(&account.0) {
        Some(line) if *line != onsale.0 => Err(EntryRefusal::InAnotherLine { onsale: EventId(*line) }),
        _ => Ok(()),
    };
    Ok(Chosen { told: accounts.iter().map(told).collect(), first })
}

/// These accounts stand in this line no more, and may choose again. In the caller's transaction.
pub async fn release(db: &mut PgConnection, event: EventId, onsale: EventId, accounts: &[AccountId]) -> Result<(), StorageError> {
    if accounts.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = accounts.iter().map(|account| account.0).collect();
    sqlx::query("DELETE FROM queue_chosen_onsales WHERE event = $1 AND onsale = $2 AND account = ANY($3)")
        .bind(event.0)
        .bind(onsale.0)
        .bind(ids)
        .execute(db)
        .await?;
    Ok(())
}
