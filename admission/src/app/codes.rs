//! Codes that let their holders in: made and revoked by organizers, checked at the join.

use std::sync::{Mutex, PoisonError};

use goticket_domain::queue::entry_rules::{Code, CodeBatch, CodeBatchState, CodeState, MadeCodes, NewCodes};
use goticket_domain::queue::{EntryRefusal, QueueError};
use goticket_domain::{AccountId, EventId};
use goticket_storage::{answered, queue_codes, rooms};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::log_chain::{self, Change};
use super::rooms::Known;
use super::set_control::check_reason;
use super::{WaitingRoomService, sql_failed, storage_failed};

/// The batches of a room's codes that this replica has read. They never change, so it reads only when there are more.
#[derive(Debug, Default)]
pub(super) struct CodeBook(Mutex<Vec<CodeBatch>>);

impl CodeBook {
    /// The batch of this number, of so many that there are: no code can name another one, and none that there is is read twice.
    async fn batch(&self, pool: &PgPool, event: EventId, batches: u32, number: u32) -> Result<Option<CodeBatch>, QueueError> {
        if !(1..=batches).contains(&number) {
            return Ok(None);
        }
        if let Some(batch) = self.known(number) {
            return Ok(Some(batch));
        }
        let read = answered(queue_codes::batches(pool, event)).await.map_err(storage_failed)?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if read.len() > known.len() {
            *known = read;
        }
        drop(known);
        Ok(self.known(number))
    }

    fn known(&self, number: u32) -> Option<CodeBatch> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|batch| batch.number == number).copied()
    }
}

impl WaitingRoomService {
    /// The code and its batch, if it is one of this event's. One that is made up costs a few HMACs.
    pub(super) async fn signed_code(&self, known: &Known, typed: &str) -> Result<(CodeBatch, Code), QueueError> {
        let code = Code::parse(typed).ok_or(EntryRefusal::CodeInvalid)?;
        let (event, batches) = (known.room.event, known.room.code_batches);
        let batch = known.codes.batch(&self.pool, event, batches, code.batch()).await?;
        let batch = batch.filter(|batch| batch.has(self.place_keys.code_keys(event), code));
        Ok((batch.ok_or(EntryRefusal::CodeInvalid)?, code))
    }

    /// Makes the room's next batch, and tells its codes this once.
    pub(super) async fn make_batch(&self, event: EventId, new: NewCodes, actor: AccountId) -> Result<MadeCodes, QueueError> {
        check_reason(&new.reason)?;
        let mut tx = self.pool.begin().await.map_err(sql_failed)?;
        let room = rooms::lock(&mut tx, event).await.map_err(storage_failed)?.ok_or(QueueError::UnknownEvent)?;
        let batch = new.batch(room.code_batches, room.read_at).map_err(|error| QueueError::BadControl {
            field: error.field.to_owned(),
            problem: format!("it is {}, allowed is {}", error.value, error.allowed),
        })?;
        queue_codes::insert_batch(&mut tx, event, &batch).await.map_err(storage_failed)?;
        let change = Change { actor: Some(actor), what: json!({ "codes_made": batch }), reason: &new.reason };
        log_chain::append(&mut tx, event, change).await.map_err(storage_failed)?;
        tx.commit().await.map_err(sql_failed)?;
        tracing::info!(%event, %actor, batch = batch.number, codes = batch.codes, "codes were made");
        self.reread(event).await?;
        let codes = batch.all(&self.place_keys.code_key(event)).map(|code| code.to_string()).collect();
        Ok(MadeCodes { batch, codes })
    }

    /// Every batch, and how often it was used.
    pub(super) async fn read_batches(&self, event: EventId) -> Result<Vec<CodeBatchState>, QueueError> {
        self.room(event).await?;
        answered(queue_codes::batch_states(&self.pool, event)).await.map_err(storage_failed)
    }

    /// What became of a code.
    pub(super) async fn read_code(&self, event: EventId, typed: &str) -> Result<CodeState, QueueError> {
        let known = self.reread(event).await?;
        let (batch, code) = self.signed_code(&known, typed).await?;
        answered(queue_codes::state(&self.pool, event, batch, code.number())).await.map_err(storage_failed)
    }

    /// No one joins by this code any more. Who did stays in line.
    pub(super) async fn take_code_back(
        &self,
        event: EventId,
        typed: &str,
        actor: AccountId,
        reason: &str,
    ) -> Result<CodeState, QueueError> {
        check_reason(reason)?;
        let known = self.reread(event).await?;
        let (batch, code) = self.signed_code(&known, typed).await?;
        let mut tx = self.pool.begin().await.map_err(sql_failed)?;
        rooms::lock(&mut tx, event).await.map_err(storage_failed)?.ok_or(QueueError::UnknownEvent)?;
        if queue_codes::revoke(&mut tx, event, &batch, code.number()).await.map_err(storage_failed)? {
            let what: Value = json!({ "code_revoked": { "batch": batch.number, "number": code.number() } });
            let change = Change { actor: Some(actor), what, reason };
            log_chain::append(&mut tx, event, change).await.map_err(storage_failed)?;
            tx.commit().await.map_err(sql_failed)?;
            tracing::info!(%event, %actor, batch = batch.number, number = code.number(), "a code was revoked");
        }
        self.read_code(event, typed).await
    }
}
