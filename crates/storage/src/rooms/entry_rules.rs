//! What a room asks of who joins.

use goticket_domain::EventId;
use goticket_domain::queue::{CodeRule, EntryRules};
use sqlx::{FromRow, PgConnection};

use super::{number, one};
use crate::StorageError;

/// The columns of [`EntryRules`], and how many batches of codes there are.
#[derive(FromRow)]
pub(super) struct EntryRow {
    proof_of_work: i32,
    asks_code: bool,
    code_until: Option<jiff_sqlx::Timestamp>,
    code_batches: i32,
    assurance: String,
    group_max: i32,
}

impl EntryRow {
    pub(super) fn rules(&self) -> Result<EntryRules, StorageError> {
        let until = self.code_until.map(jiff_sqlx::Timestamp::to_jiff);
        Ok(EntryRules {
            proof_of_work: number("proof_of_work", self.proof_of_work)?,
            code: if self.asks_code { CodeRule::Code { until } } else { CodeRule::Open },
            identity: self.assurance.parse().map_err(StorageError::Unexpected)?,
            groups: number("group_max", self.group_max)?,
        })
    }

    pub(super) fn code_batches(&self) -> Result<u32, StorageError> {
        number("code_batches", self.code_batches)
    }
}

/// Writes the rules of a room that is locked, or being made.
pub(super) async fn save(db: &mut PgConnection, event: EventId, rules: EntryRules) -> Result<(), StorageError> {
    let (asks_code, until) = match rules.code {
        CodeRule::Open => (false, None),
        CodeRule::Code { until } => (true, until),
    };
    let done = sqlx::query(
        "UPDATE rooms SET proof_of_work = $2, asks_code = $3, code_until = $4, assurance = $5, group_max = $6 WHERE event = $1",
    )
    .bind(event.0)
    .bind(number::<_, i32>("proof_of_work", rules.proof_of_work)?)
    .bind(asks_code)
    .bind(until.map(jiff_sqlx::ToSqlx::to_sqlx))
    .bind(rules.identity.as_str())
    .bind(i32::from(rules.groups))
    .execute(db)
    .await?;
    one(done.rows_affected(), "the rules of who enters")
}
