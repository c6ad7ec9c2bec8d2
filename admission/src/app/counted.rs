//! What is counted with an entry, in the transaction that writes it: it counts if the entry is in the log, and only then.

use std::collections::HashSet;

use goticket_domain::AccountId;
use goticket_domain::queue::{Entry, EntryRefusal, QueueError};
use goticket_storage::queue_codes::{self, CodeUse};
use goticket_storage::queue_identities::Identity;
use goticket_storage::{StorageError, answered, queue_chosen_onsales, queue_identities, queue_log};
use sqlx::PgConnection;

use super::room_log::RoomLog;
use super::storage_failed;

/// What a join counts as, or a leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Counted {
    /// A use of a code.
    pub(super) code: Option<CodeUse>,
    /// The place of the person behind this account: one for all of their accounts.
    pub(super) person: Option<AccountId>,
    /// This line, of the event's, is that of this account.
    pub(super) chosen: Option<AccountId>,
    /// It is that no more.
    pub(super) unchosen: Option<AccountId>,
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
            let told = self.count(&mut tx, counted).await?;
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
    /// Who is refused for one thing has claimed nothing by another.
    async fn count(&self, db: &mut PgConnection, counted: &[Counted]) -> Result<Told, StorageError> {
        let mut told: Told = vec![Ok(()); counted.len()];
        let (_, unchosen) = asked(counted, &told, |counted| counted.unchosen);
        queue_chosen_onsales::release(db, self.seats_of, self.event, &unchosen).await?;
        let (mut chosen, mut persons) = (Vec::new(), Vec::new());
        let (indexes, accounts) = asked(counted, &told, |counted| counted.chosen);
        if !accounts.is_empty() {
            let choice = queue_chosen_onsales::choose(db, self.seats_of, self.event, &accounts).await?;
            chosen = choice.first;
            put(&mut told, indexes, choice.told);
        }
        let (indexes, accounts) = asked(counted, &told, |counted| counted.person);
        if !accounts.is_empty() {
            let claimed = queue_identities::claim(db, self.event, &accounts).await?;
            persons = claimed.first;
            put(&mut told, indexes, claimed.told);
        }
        let (indexes, uses) = asked(counted, &told, |counted| counted.code);
        if !uses.is_empty() {
            put(&mut told, indexes, queue_codes::count_uses(db, self.event, &uses).await?);
        }
        let (line, person) =
            (refused(counted, &told, |counted| counted.chosen), refused(counted, &told, |counted| counted.person));
        chosen.retain(|account| line.contains(account));
        queue_chosen_onsales::release(db, self.seats_of, self.event, &chosen).await?;
        persons.retain(|(account, _)| person.contains(account));
        let persons: Vec<Identity> = persons.into_iter().map(|(_, identity)| identity).collect();
        queue_identities::release(db, self.event, &persons).await?;
        Ok(told)
    }
}

/// Where something is asked of those who are not refused so far, and what.
fn asked<T>(counted: &[Counted], told: &Told, what: impl Fn(&Counted) -> Option<T>) -> (Vec<usize>, Vec<T>) {
    let open = counted.iter().zip(told).enumerate().filter(|(_, (_, told))| told.is_ok());
    open.filter_map(|(index, (counted, _))| Some((index, what(counted)?))).unzip()
}

fn put(told: &mut Told, indexes: Vec<usize>, outcomes: Told) {
    for (index, outcome) in indexes.into_iter().zip(outcomes) {
        told[index] = outcome;
    }
}

/// Of those who are refused.
fn refused(counted: &[Counted], told: &Told, of: impl Fn(&Counted) -> Option<AccountId>) -> HashSet<AccountId> {
    counted.iter().zip(told).filter(|(_, told)| told.is_err()).filter_map(|(counted, _)| of(counted)).collect()
}
