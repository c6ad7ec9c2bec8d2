//! Groups, as they are counted with the entries that change them: under the lock of the room's log, so that at every moment who stands where
//! follows from the log and the groups together. Rooms that have no groups pay nothing for it, others one reading for everyone who comes
//! together.

use goticket_domain::EventId;
use goticket_domain::queue::Entry;
use goticket_domain::queue::groups::{GroupStep, NotTaken, Roster};
use goticket_storage::StorageError;
use goticket_storage::queue_groups::{self, LockedLog};
use sqlx::PgConnection;

use super::counted::{Counted, Told, Uncounted};

/// The groups that matter to some entries, before these.
#[derive(Debug)]
pub(super) struct Grouped {
    log: LockedLog,
    roster: Roster,
}

impl Grouped {
    /// None where nothing has to do with groups. Otherwise it comes first in its transaction.
    pub(super) async fn lock(db: &mut PgConnection, event: EventId, counted: &[Counted]) -> Result<Option<Self>, StorageError> {
        let steps: Vec<GroupStep> = counted.iter().filter_map(|counted| counted.group).collect();
        if steps.is_empty() {
            return Ok(None);
        }
        let log = queue_groups::lock(db, event).await?;
        let accounts: Vec<_> = steps.iter().filter_map(GroupStep::account).collect();
        let groups: Vec<_> = steps.iter().filter_map(GroupStep::group).collect();
        let members = queue_groups::load(db, event, &accounts, &groups).await?;
        Ok(Some(Self { log, roster: Roster::new(log.open, members) }))
    }

    /// How many entries the log had then.
    pub(super) fn size(&self) -> u64 {
        self.log.size
    }

    /// Of each entry whether its group lets it be, before anything else is counted: who is refused by a group has used no code.
    ///
    /// Who takes the last place of a group here, and is refused for their code then, has held it against those behind them for this once.
    pub(super) fn foresee(&self, counted: &[Counted]) -> Told {
        let mut told = vec![Ok(()); counted.len()];
        take_all(&mut self.roster.clone(), counted, &mut told);
        told
    }

    /// Writes down what becomes of groups by those that may be. Returns of each the entries that belong into the log right after it.
    pub(super) async fn take(
        &self,
        db: &mut PgConnection,
        event: EventId,
        counted: &[Counted],
        told: &mut Told,
    ) -> Result<Vec<Vec<Entry>>, StorageError> {
        let mut roster = self.roster.clone();
        let beside = take_all(&mut roster, counted, told);
        queue_groups::save(db, event, &roster.since(&self.roster)).await?;
        Ok(beside)
    }
}

/// In their order, each account once.
fn take_all(roster: &mut Roster, counted: &[Counted], told: &mut Told) -> Vec<Vec<Entry>> {
    let mut take = |step, told: &mut Result<(), Uncounted>| match roster.take(step) {
        Ok(beside) => beside,
        Err(not_taken) => {
            *told = Err(match not_taken {
                NotTaken::InGroup(place) => Uncounted::InGroup(place),
                NotTaken::Refused(refusal) => Uncounted::Refused(refusal.into()),
            });
            Vec::new()
        }
    };
    let each = counted.iter().zip(told);
    each.map(|(counted, told)| match counted.group {
        Some(step) if told.is_ok() => take(step, told),
        _ => Vec::new(),
    })
    .collect()
}
