//! Codes of waiting rooms: what was made, and how often each was used.

use goticket_domain::queue::EntryRefusal;
use goticket_domain::queue::entry_rules::{CodeBatch, CodeBatchState, CodeState};
use goticket_domain::{AccountId, EventId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

use crate::StorageError;
use crate::columns::number;

/// A use of a code that is to be counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CodeUse {
    /// The code's batch.
    pub batch: u32,
    /// Its number there.
    pub number: u32,
    /// How many accounts may use it.
    pub uses: u32,
    /// Who does.
    pub account: AccountId,
}

#[derive(FromRow)]
struct BatchRow {
    batch: i32,
    kind: String,
    codes: i32,
    uses: i32,
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    valid_from: Timestamp,
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    valid_until: Timestamp,
}

impl TryFrom<BatchRow> for CodeBatch {
    type Error = StorageError;

    fn try_from(row: BatchRow) -> Result<Self, StorageError> {
        Ok(Self {
            number: number(row.batch)?,
            kind: row.kind.parse().map_err(StorageError::Unexpected)?,
            codes: number(row.codes)?,
            uses: number(row.uses)?,
            valid_from: row.valid_from,
            valid_until: row.valid_until,
        })
    }
}

/// Writes a batch down, the next one of a room that is locked.
pub async fn insert_batch(db: &mut PgConnection, event: EventId, batch: &CodeBatch) -> Result<(), StorageError> {
    // The room counts its batches; its revision is of state and settings, and stays.
    let done = sqlx::query(
        "WITH made AS (
             INSERT INTO queue_code_batches (event, batch, kind, codes, uses, valid_from, valid_until)
             VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING event, batch
         )
         UPDATE rooms r SET code_batches = m.batch FROM made m WHERE r.event = m.event AND r.code_batches = m.batch - 1",
    )
    .bind(event.0)
    .bind(number::<_, i32>(batch.number)?)
    .bind(batch.kind.as_str())
    .bind(number::<_, i32>(batch.codes)?)
    .bind(number::<_, i32>(batch.uses)?)
    .bind(batch.valid_from.to_sqlx())
    .bind(batch.valid_until.to_sqlx())
    .execute(db)
    .await?;
    if done.rows_affected() == 1 {
        Ok(())
    } else {
        Err(StorageError::Unexpected(format!("event {event} has another number of code batches")))
    }
}

/// Every batch of an event, the first one first.
pub async fn batches(pool: &PgPool, event: EventId) -> Result<Vec<CodeBatch>, StorageError> {
    // By primary key.
    let rows: Vec<BatchRow> = sqlx::query_as(
        "SELECT batch, kind, codes, uses, valid_from, valid_until FROM queue_code_batches WHERE event = $1 ORDER BY batch",
    )
    .bind(event.0)
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(CodeBatch::try_from).collect()
}

#[derive(FromRow)]
struct BatchStateRow {
    #[sqlx(flatten)]
    batch: BatchRow,
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    made_at: Timestamp,
    used: i64,
    revoked: i64,
}

/// The same, with what became of their codes.
pub async fn batch_states(pool: &PgPool, event: EventId) -> Result<Vec<CodeBatchState>, StorageError> {
    // By the primary keys; of codes only those that were used or revoked have rows.
    let rows: Vec<BatchStateRow> = sqlx::query_as(
        "SELECT b.batch, b.kind, b.codes, b.uses, b.valid_from, b.valid_until, b.made_at,
                coalesce(c.used, 0) AS used, coalesce(c.revoked, 0) AS revoked
         FROM queue_code_batches b
              LEFT JOIN (SELECT batch, sum(used)::bigint AS used, count(revoked_at) AS revoked
                         FROM queue_codes WHERE event = $1 GROUP BY batch) c USING (batch)
         WHERE b.event = $1 ORDER BY b.batch",
    )
    .bind(event.0)
    .fetch_all(pool)
    .await?;
    let state = |row: BatchStateRow| {
        let (used, revoked) = (number(row.used)?, number(row.revoked)?);
        Ok::<_, StorageError>(CodeBatchState { batch: row.batch.try_into()?, made_at: row.made_at, used, revoked })
    };
    rows.into_iter().map(state).collect()
}

/// What became of a code.
pub async fn state(pool: &PgPool, event: EventId, batch: CodeBatch, code: u32) -> Result<CodeState, StorageError> {
    let row: Option<(i32, Option<jiff_sqlx::Timestamp>)> =
        sqlx::query_as("SELECT used, revoked_at FROM queue_codes WHERE event = $1 AND batch = $2 AND number = $3")
            .bind(event.0)
            .bind(number::<_, i32>(batch.number)?)
            .bind(number::<_, i32>(code)?)
            .fetch_optional(pool)
            .await?;
    let (used, revoked_at) = row.unwrap_or((0, None));
    Ok(CodeState { batch, number: code, used: number(used)?, revoked_at: revoked_at.map(jiff_sqlx::Timestamp::to_jiff) })
}

/// Revokes a code: whoever uses it at this moment comes before, or is refused. False where it was revoked before.
pub async fn revoke(db: &mut PgConnection, event: EventId, batch: &CodeBatch, code: u32) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "INSERT INTO queue_codes AS c (event, batch, number, uses, revoked_at) VALUES ($1, $2, $3, $4, clock_timestamp())
         ON CONFLICT (event, batch, number) DO UPDATE SET revoked_at = clock_timestamp() WHERE c.revoked_at IS NULL",
    )
    .bind(event.0)
    .bind(number::<_, i32>(batch.number)?)
    .bind(number::<_, i32>(code)?)
    .bind(number::<_, i32>(batch.uses)?)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Counts these uses, in the caller's transaction; says of each, in their order, whether it may be. An account that came in by a code before
/// needs no other use.
pub async fn count_uses(
    db: &mut PgConnection,
    event: EventId,
    uses: &[CodeUse],
) -> Result<Vec<Result<(), EntryRefusal>>, StorageError> {
    // Locked by everyone in this order.
    let mut order: Vec<usize> = (0..uses.len()).collect();
    order.sort_by_key(|index| (uses[*index].batch, uses[*index].number, uses[*index].account));
    let column = |of: fn(&CodeUse) -> u32| {
        order.iter().map(|index| number::<_, i32>(of(&uses[*index]))).collect::<Result<Vec<i32>, StorageError>>()
    };
    let accounts: Vec<Uuid> = order.iter().map(|index| uses[*index].account.0).collect();
    let outcomes: Vec<String> = sqlx::query_scalar(
        "SELECT queue_code_use($1, u.batch, u.number, u.uses, u.account)
         FROM unnest($2::integer[], $3::integer[], $4::integer[], $5::uuid[]) AS u (batch, number, uses, account)",
    )
    .bind(event.0)
    .bind(column(|of| of.batch)?)
    .bind(column(|of| of.number)?)
    .bind(column(|of| of.uses)?)
    .bind(accounts)
    .fetch_all(db)
    .await?;
    let mut told = vec![Ok(()); uses.len()];
    for (index, outcome) in order.into_iter().zip(outcomes) {
        told[index] = match outcome.as_str() {
            "taken" | "had" => Ok(()),
            "used_up" => Err(EntryRefusal::CodeUsedUp),
            "revoked" => Err(EntryRefusal::CodeRevoked),
            other => return Err(StorageError::Unexpected(format!("a code is {other:?}"))),
        };
    }
    Ok(told)
}
