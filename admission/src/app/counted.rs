//! What is counted with a join, in the transaction that writes it: it counts if the join is in the log, and only then.

use std::collections::HashSet;

use goticket_domain::queue::{Entry, EntryRefusal, QueueError};
use goticket_domain::{AccountId, EventId};
use goticket_storage::queue_codes::{self, CodeUse};
use goticket_storage::queue_identities::Identity;
use goticket_storage::{StorageError, answered, queue_identities, queue_log};
use sqlx::PgConnection;

use super::room_log::RoomLog;
use super::storage_failed;

/// What a join counts as.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Counted {
    /// A use of a code.
    pub(super) code: Option<CodeUse>,
    /// The place of the person behind this account: one for all of their accounts.
    pub(super) person: Option<AccountId>,
}

type Told = Vec<Result<(), EntryRefusal>>;

impl RoomLog {
    /// Writes down those entries that may be, by the count of what comes with each; returns the position of the first one, and of each
    /// whether it was written.
    pub(super) async fn append_counted(&self, entries: Vec<Entry>, counted: &[Counted]) -> Result<(u64, Told), QueueError> {
        if counted.iter().all(|counted| *counted == Counted::default()) {
            let segment = self.append(entries, None).await?.ok_or(QueueError::Unavailable)?;
            return Ok((segment.first, vec![Ok(()); counted.len()]));
        }
        let now_ms = self.now_ms();
        let written = answered(async {
            let mut tx = self.pool.begin().await?;
            let told = count(&mut tx, self.event, counted).await?;
            let may_be = entries.into_iter().zip(&told).filter(|(_, told)| told.is_ok());
            let entries: Vec<Entry> = may_be.map(|(entry, _)| entry).collect();
            let segment =
                if entries.is_empty() { None } else { queue_log::append(&mut tx, self.event, entries, now_ms, None).await? };
            tx.commit().await?;
            Ok::<_, StorageError>((segment, told))
        });
        let (segment, told) = written.await.map_err(storage_failed)?;
        let Some(segment) = segment else { return Ok((0, told)) };
        self.take_over(&segment).await?;
        Ok((segment.first, told))
    }
}

/// A person that is refused for their code has claimed nothing.
async fn count(db: &mut PgConnection, event: EventId, counted: &[Counted]) -> Result<Told, StorageError> {
    let mut told: Told = vec![Ok(()); counted.len()];
    let (indexes, accounts) = asked(counted, |counted| counted.person);
    let mut first = Vec::new();
    if !accounts.is_empty() {
        let claimed = queue_identities::claim(db, event, &accounts).await?;
        first = claimed.first;
        put(&mut told, indexes, claimed.told);
    }
    let still: Vec<Option<CodeUse>> =
        counted.iter().zip(&told).map(|(counted, told)| counted.code.filter(|_| told.is_ok())).collect();
    let (indexes, uses) = asked(&still, |code| *code);
    if !uses.is_empty() {
        let outcomes = queue_codes::count_uses(db, event, &uses).await?;
        let refused = uses.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_err()).map(|(of, _)| of.account);
        let refused: HashSet<AccountId> = refused.collect();
        first.retain(|(account, _)| refused.contains(account));
        let freed: Vec<Identity> = first.into_iter().map(|(_, identity)| identity).collect();
        queue_identities::release(db, event, &freed).await?;
        put(&mut told, indexes, outcomes);
    }
    Ok(told)
}

/// Where something is asked, and what.
fn asked<C, T>(counted: &[C], what: impl Fn(&C) -> Option<T>) -> (Vec<usize>, Vec<T>) {
    counted.iter().enumerate().filter_map(|(index, counted)| Some((index, what(counted)?))).unzip()
}

fn put(told: &mut Told, indexes: Vec<usize>, outcomes: Told) {
    for (index, outcome) in indexes.into_iter().zip(outcomes) {
        told[index] = outcome;
    }
}
