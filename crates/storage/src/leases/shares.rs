//! Sharing lanes, or waiting rooms, among the processes that play one role.
//!
//! Each process is a member. On every tick it tells that it lives, sees who else does, and moves towards its share: it takes what is free,
//! or says what of its own it should finish with and release. Every member works its share out of the same list, so that shares add up to
//! everything and differ by one at most. What a member has that was silent for the lease is free to everyone.
//!
//! Safety never depends on any of this: two members may believe for a while that they have the same. The row with its epoch is the fence:
//! the holder asks for the epoch it was told in everything it changes, and what changes no row was lost meanwhile.

use std::{collections::BTreeMap, time::Duration};

use sqlx::{PgConnection, PgPool};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use goticket_domain::lane::LaneNo;

use super::plan::{Held, Plan};
use super::{Lease, Role, Shared};
use crate::{StorageError, answered};

/// What a holder has to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change<K = LaneNo> {
    /// It is ours from now on: read what is stored of it, and change that under this epoch only.
    Gained(Lease<K>),
    /// It is not ours any more: forget what is known about it.
    Lost(K),
    /// It is one too many: finish what is in hand, then [`Shares::release`] it. Told once.
    GiveUp(K),
}

/// One member, and what it has.
pub struct Shares<R: Shared = Role> {
    pool: PgPool,
    /// Outside the pool: a member must not fall silent because its own work takes all connections.
    connection: Option<PgConnection>,
    role: R,
    member: Uuid,
    lease: Duration,
    held: BTreeMap<R::Key, Held>,
    /// When the last beat that came through began.
    heard_at: Option<Instant>,
}

impl<R: Shared> Shares<R> {
    /// A member that has nothing before its first tick. What it has is taken over when it was not heard of for `lease`, which must be
    /// longer than a few ticks, and than the pauses a healthy process makes.
    pub fn new(pool: PgPool, role: R, lease: Duration) -> Self {
        Self {
            pool,
            connection: None,
            role,
            // In the order of their start, so that whoever comes last changes no one's place.
            member: Uuid::now_v7(),
            lease,
            held: BTreeMap::new(),
            heard_at: None,
        }
    }

    /// What it is called in `lane_members`, and as an owner.
    pub fn member(&self) -> Uuid {
        self.member
    }

    /// What it has, and under which epochs; what it is to give up included.
    pub fn held(&self) -> impl Iterator<Item = Lease<R::Key>> {
        self.held.iter().map(|(key, held)| Lease { key: *key, epoch: held.epoch })
    }

    /// Until when it has them without being heard of again; none before it was heard of.
    pub fn held_until(&self) -> Option<Instant> {
        self.heard_at.map(|at| at + self.lease)
    }

    /// Tells that this member lives, and moves towards its share; `now` is when it began. To be called a few
    /// times in a lease. After an error everything is still its own; when the errors, or a pause of the process, have lasted for the lease,
    /// it is all lost.
    pub async fn tick(&mut self, now: Instant) -> Result<Vec<Change<R::Key>>, StorageError> {
        let silence = self.heard_at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        if silence >= self.lease && !self.held.is_empty() {
            return Ok(self.lose_all());
        }
        // Whoever is silent for longer hears of it in time, whatever the network does.
        let left = self.lease.saturating_sub(silence);
        let left = if left.is_zero() { self.lease } else { left };
        match timeout(left, self.share()).await {
            Ok(Ok(changes)) => {
                self.heard_at = Some(now);
                Ok(changes)
            }
            Ok(Err(error)) => {
                self.connection = None;
                Err(error)
            }
            Err(_) => {
                self.connection = None;
                if self.held.is_empty() {
                    return Err(StorageError::Unavailable(sqlx::Error::PoolTimedOut));
                }
                Ok(self.lose_all())
            }
        }
    }

    async fn share(&mut self) -> Result<Vec<Change<R::Key>>, StorageError> {
        let (role, member) = (self.role, self.member);
        let db = connected(&self.pool, &mut self.connection).await?;
        let members = super::beat(db, role, member, self.lease).await?;
        let all = super::all(db, role).await?;
        let plan = Plan::of(member, &members, &all, &self.held);
        let taken = match plan.take_max {
            0 => Vec::new(),
            limit => super::take(db, role, member, &plan.free, limit).await?,
        };

        let mut changes = Vec::new();
        for key in plan.lost {
            self.held.remove(&key);
            changes.push(Change::Lost(key));
        }
        for key in plan.give_up {
            if let Some(held) = self.held.get_mut(&key) {
                held.giving_up = true;
                changes.push(Change::GiveUp(key));
            }
        }
        for lease in taken {
            self.held.insert(lease.key, Held { epoch: lease.epoch, giving_up: false });
            changes.push(Change::Gained(lease));
        }
        if !changes.is_empty() {
            let (members, held) = (members.len(), self.held.len());
            tracing::info!(role = role.as_str(), members, held, changes = changes.len(), "leases: shares change");
        }
        self.measure();
        Ok(changes)
    }

    /// Gives something back that nothing is in hand of any more. Whatever comes of it, it is not this member's now.
    pub async fn release(&mut self, key: R::Key) -> Result<(), StorageError> {
        let Some(held) = self.held.remove(&key) else { return Ok(()) };
        self.measure();
        let (role, member, lease) = (self.role, self.member, Lease { key, epoch: held.epoch });
        let released = answered(async {
            let db = connected(&self.pool, &mut self.connection).await?;
            super::release(db, role, member, lease).await
        })
        .await;
        if released.is_err() {
            self.connection = None;
        }
        released.map(|_| ())
    }

    /// Drops something whose fence said that another holder has it: no tick needs to report it.
    pub fn forget(&mut self, key: R::Key) {
        self.held.remove(&key);
        self.measure();
    }

    /// Gives everything back, so that others need not wait for the end of the lease. Nothing may be in hand any more.
    pub async fn leave(mut self) {
        self.held.clear();
        self.measure();
        let (role, member) = (self.role, self.member);
        let left = answered(async {
            let db = connected(&self.pool, &mut self.connection).await?;
            super::leave(db, role, member).await
        });
        match left.await {
            Ok(had) => tracing::info!(role = role.as_str(), had, "leases: given back"),
            Err(error) => tracing::info!(role = role.as_str(), %error, "leases: left to their end"),
        }
    }

    fn lose_all(&mut self) -> Vec<Change<R::Key>> {
        tracing::warn!(role = self.role.as_str(), had = self.held.len(), "leases: not heard of for one, all are lost");
        let lost = std::mem::take(&mut self.held).into_keys().map(Change::Lost).collect();
        self.measure();
        lost
    }

    fn measure(&self) {
        #[expect(clippy::cast_precision_loss, reason = "a gauge of lanes or rooms")]
        metrics::gauge!(self.role.gauge(), "role" => self.role.as_str()).set(self.held.len() as f64);
    }
}

/// The member's own connection, made when there is none.
async fn connected<'a>(pool: &PgPool, slot: &'a mut Option<PgConnection>) -> Result<&'a mut PgConnection, StorageError> {
    let connection = match slot.take() {
        Some(connection) => connection,
        None => pool.acquire().await?.detach(),
    };
    Ok(slot.insert(connection))
}
