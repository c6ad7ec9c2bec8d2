//! What is counted with a join, in the transaction that writes it: it counts if the join is in the log, and only then.

use std::collections::HashSet;

use goticket_domain::AccountId;
use goticket_domain::queue::groups::GroupStep;
use goticket_domain::queue::{Entry, EntryRefusal, PlaceId, QueueError};
use goticket_storage::queue_codes::{self, CodeUse};
use goticket_storage::queue_identities::Identity;
use goticket_storage::{StorageError, answered, queue_chosen_onsales, queue_identities, queue_log};
use sqlx::PgConnection;

use super::grouped::Grouped;
use super::room_log::RoomLog;
use super::storage_failed;

/// What an entry counts as.
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
    /// What it does with groups, in rooms that have them.
    pub(super) group: Option<GroupStep>,
}

/// Why an entry was not written.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Uncounted {
    /// The account stands in the group that has this place.
    InGroup(PlaceId),
    /// It may not be.
    Refused(QueueError),
}

impl From<EntryRefusal> for Uncounted {
    fn from(refusal: EntryRefusal) -> Self {
        Self::Refused(refusal.into())
    }
}

/// Of each entry whether it may be.
pub(super) type Told = Vec<Result<(), Uncounted>>;

/// Of each entry where in the log it was written, or why not.
pub(super) type Positions = Vec<Result<u64, Uncounted>>;

impl RoomLog {
    /// Writes down those entries that may be, by the count of what comes with each.
    pub(super) async fn append_counted(&self, entries: Vec<Entry>, counted: &[Counted]) -> Result<Positions, QueueError> {
        if counted.iter().all(|counted| *counted == Counted::default()) {
            let segment = self.append(entries, None).await?.ok_or(QueueError::Unavailable)?;
            return Ok((segment.first..).take(counted.len()).map(Ok).collect());
        }
        let now_ms = self.now_ms();
        let written = answered(async {
            let mut tx = self.pool.begin().await?;
            let grouped = Grouped::lock(&mut tx, self.event, counted).await?;
            let mut told = grouped.as_ref().map_or_else(|| vec![Ok(()); counted.len()], |grouped| grouped.foresee(counted));
            self.count(&mut tx, counted, &mut told).await?;
            let beside = match &grouped {
                Some(grouped) => grouped.take(&mut tx, self.event, counted, &mut told).await?,
                None => vec![Vec::new(); counted.len()],
            };
            let (entries, written) = in_order(entries, beside, told);
            let segment =
                if entries.is_empty() { None } else { queue_log::append(&mut tx, self.event, entries, now_ms, None).await? };
            tx.commit().await?;
            Ok::<_, StorageError>((segment, written, grouped.map(|grouped| grouped.size())))
        });
        let (segment, mut written, size) = written.await.map_err(storage_failed)?;
        // What is told of groups follows from a log of this size: so does whatever is looked for next.
        self.heard_of(size.unwrap_or(0));
        if let Some(segment) = segment {
            written.iter_mut().flatten().for_each(|position| *position += segment.first);
            self.take_over(&segment).await?;
        }
        Ok(written)
    }
    /// Of those that may be so far. Who is refused for one thing has claimed nothing by another.
    async fn count(&self, db: &mut PgConnection, counted: &[Counted], told: &mut Told) -> Result<(), StorageError> {
        let (_, unchosen) = asked(counted, told, |counted| counted.unchosen);
        queue_chosen_onsales::release(db, self.seats_of, self.event, &unchosen).await?;
        let (mut chosen, mut persons) = (Vec::new(), Vec::new());
        let (indexes, accounts) = asked(counted, told, |counted| counted.chosen);
        if !accounts.is_empty() {
            let choice = queue_chosen_onsales::choose(db, self.seats_of, self.event, &accounts).await?;
            chosen = choice.first;
            put(told, indexes, choice.told);
        }
        let (indexes, accounts) = asked(counted, told, |counted| counted.person);
        if !accounts.is_empty() {
            let claimed = queue_identities::claim(db, self.event, &accounts).await?;
            persons = claimed.first;
            put(told, indexes, claimed.told);
        }
        let (indexes, uses) = asked(counted, told, |counted| counted.code);
        if !uses.is_empty() {
            put(told, indexes, queue_codes::count_uses(db, self.event, &uses).await?);
        }
        let (line, person) = (refused(counted, told, |counted| counted.chosen), refused(counted, told, |counted| counted.person));
        chosen.retain(|account| line.contains(account));
        queue_chosen_onsales::release(db, self.seats_of, self.event, &chosen).await?;
        persons.retain(|(account, _)| person.contains(account));
        let persons: Vec<Identity> = persons.into_iter().map(|(_, identity)| identity).collect();
        queue_identities::release(db, self.event, &persons).await
    }
}

/// Those that may be, each with what belongs right after it; and of each its position among them.
fn in_order(entries: Vec<Entry>, beside: Vec<Vec<Entry>>, told: Told) -> (Vec<Entry>, Positions) {
    let mut all = Vec::with_capacity(entries.len());
    let each = entries.into_iter().zip(beside).zip(told);
    let written = each.map(|((entry, beside), told)| {
        told?;
        let position = all.len() as u64;
        all.push(entry);
        all.extend(beside);
        Ok(position)
    });
    let written = written.collect();
    (all, written)
}

/// Where something is asked of what may be so far, and what.
fn asked<T>(counted: &[Counted], told: &Told, what: impl Fn(&Counted) -> Option<T>) -> (Vec<usize>, Vec<T>) {
    let may_be = counted.iter().zip(told).enumerate().filter(|(_, (_, told))| told.is_ok());
    may_be.filter_map(|(index, (counted, _))| Some((index, what(counted)?))).unzip()
}

fn put(told: &mut Told, indexes: Vec<usize>, outcomes: Vec<Result<(), EntryRefusal>>) {
    for (index, outcome) in indexes.into_iter().zip(outcomes) {
        told[index] = outcome.map_err(Uncounted::from);
    }
}

/// Of those who are refused.
fn refused(counted: &[Counted], told: &Told, of: impl Fn(&Counted) -> Option<AccountId>) -> HashSet<AccountId> {
    counted.iter().zip(told).filter(|(_, told)| told.is_err()).filter_map(|(counted, _)| of(counted)).collect()
}
