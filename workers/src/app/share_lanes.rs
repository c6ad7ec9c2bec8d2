//! Sharing the lanes of an installation among the processes that play one role.
//!
//! Each process is a member. On every tick it tells that it lives, sees who else does, and moves towards its share: it takes free lanes,
//! or says which of its own it should finish with and release. Every member works its share out of the same list, so that shares add up to
//! all lanes and differ by one at most. The lanes of a member that was silent for the lease are free to everyone.
//!
//! Safety never depends on any of this: two members may believe for a while that they have the same lane. The lane's row with its epoch
//! is the fence: the holder asks for the epoch it was told in everything it changes, and what changes no row was lost meanwhile.

use std::{collections::BTreeMap, time::Duration};

use goticket_domain::lane::LaneNo;
use goticket_platform::config::U64In;
use goticket_storage::{
    StorageError, answered,
    lanes::leases::{self, Lease, Owned, Role},
};
use serde::Deserialize;
use sqlx::{PgConnection, PgPool};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

/// `[workers.lanes]`: the ranges leave at least two ticks in a lease.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharesConfig {
    /// The lanes of a process that was not heard of for so long are taken over. Longer than the pauses a healthy process makes.
    pub lease_ms: U64In<2_000, 600_000>,
    /// How often a process is heard of, and how fast shares even out.
    pub tick_ms: U64In<50, 1_000>,
}

/// What the holder of lanes has to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// The lane is ours from now on: read what its row and its events say, and change them under this epoch only.
    Gained {
        /// The lane.
        lane: LaneNo,
        /// Higher than that of any holder before.
        epoch: i64,
    },
    /// The lane is not ours any more: forget what is known about it.
    Lost {
        /// The lane.
        lane: LaneNo,
    },
    /// The lane is one too many: finish what is in hand, then [`Shares::release`] it. Told once.
    GiveUp {
        /// The lane.
        lane: LaneNo,
    },
}

/// One member, and the lanes it has.
pub struct Shares {
    pool: PgPool,
    /// Outside the pool: a member must not fall silent because its own work takes all connections.
    connection: Option<PgConnection>,
    role: Role,
    member: Uuid,
    lease: Duration,
    held: BTreeMap<LaneNo, Held>,
    /// When the last beat that came through began.
    heard_at: Option<Instant>,
}

struct Held {
    epoch: i64,
    giving_up: bool,
}

impl Shares {
    /// A member that has nothing before its first tick.
    pub fn new(pool: PgPool, role: Role, config: &SharesConfig) -> Self {
        Self {
            pool,
            connection: None,
            role,
            // In the order of their start, so that whoever comes last changes nobody's place.
            member: Uuid::now_v7(),
            lease: config.lease_ms.millis(),
            held: BTreeMap::new(),
            heard_at: None,
        }
    }

    /// What it is called in `lane_members`, and as an owner.
    pub fn member(&self) -> Uuid {
        self.member
    }

    /// Its lanes and their epochs, those included that it is to give up.
    pub fn held(&self) -> impl Iterator<Item = Lease> {
        self.held.iter().map(|(lane, held)| Lease { lane: *lane, epoch: held.epoch })
    }

    /// Tells that this member lives, and moves towards its share; `now` is when it began. To be called every `tick_ms`. After an error the
    /// lanes are still its own; when the errors, or a pause of the process, have lasted for the lease, they are all lost.
    pub async fn tick(&mut self, now: Instant) -> Result<Vec<Change>, StorageError> {
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

    async fn share(&mut self) -> Result<Vec<Change>, StorageError> {
        let (role, member) = (self.role, self.member);
        let db = connected(&self.pool, &mut self.connection).await?;
        let members = leases::beat(db, role, member, self.lease).await?;
        let lanes = leases::all(db, role).await?;
        let plan = Plan::of(member, &members, &lanes, &self.held);
        let taken = match plan.take_max {
            0 => Vec::new(),
            limit => leases::take(db, role, member, &plan.free, limit).await?,
        };

        let mut changes = Vec::new();
        for lane in plan.lost {
            self.held.remove(&lane);
            changes.push(Change::Lost { lane });
        }
        for lane in plan.give_up {
            if let Some(held) = self.held.get_mut(&lane) {
                held.giving_up = true;
                changes.push(Change::GiveUp { lane });
            }
        }
        for Lease { lane, epoch } in taken {
            self.held.insert(lane, Held { epoch, giving_up: false });
            changes.push(Change::Gained { lane, epoch });
        }
        if !changes.is_empty() {
            let (members, held) = (members.len(), self.held.len());
            tracing::info!(role = role.as_str(), members, held, changes = changes.len(), "lanes: shares change");
        }
        self.measure();
        Ok(changes)
    }

    /// Gives a lane back that nothing is in hand of any more. Whatever comes of it, the lane is not this member's now.
    pub async fn release(&mut self, lane: LaneNo) -> Result<(), StorageError> {
        let Some(held) = self.held.remove(&lane) else { return Ok(()) };
        self.measure();
        let (role, member, lease) = (self.role, self.member, Lease { lane, epoch: held.epoch });
        let released = answered(async {
            let db = connected(&self.pool, &mut self.connection).await?;
            leases::release(db, role, member, lease).await
        })
        .await;
        if released.is_err() {
            self.connection = None;
        }
        released.map(|_| ())
    }

    /// Drops a lane whose fence said that another holder has it: no tick needs to report it.
    pub fn forget(&mut self, lane: LaneNo) {
        self.held.remove(&lane);
        self.measure();
    }

    /// Gives everything back, so that others need not wait for the end of the lease. Nothing may be in hand any more.
    pub async fn leave(mut self) {
        self.held.clear();
        self.measure();
        let (role, member) = (self.role, self.member);
        let left = answered(async {
            let db = connected(&self.pool, &mut self.connection).await?;
            leases::leave(db, role, member).await
        });
        match left.await {
            Ok(lanes) => tracing::info!(role = role.as_str(), lanes, "lanes: given back"),
            Err(error) => tracing::info!(role = role.as_str(), %error, "lanes: left to the end of their lease"),
        }
    }

    fn lose_all(&mut self) -> Vec<Change> {
        tracing::warn!(role = self.role.as_str(), lanes = self.held.len(), "lanes: not heard of for the lease, all are lost");
        let lost = std::mem::take(&mut self.held).into_keys().map(|lane| Change::Lost { lane }).collect();
        self.measure();
        lost
    }

    fn measure(&self) {
        #[expect(clippy::cast_precision_loss, reason = "lanes are few")]
        metrics::gauge!("goticket_lanes_held", "role" => self.role.as_str()).set(self.held.len() as f64);
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

/// What one tick is to change.
#[derive(PartialEq, Eq, Debug, Default)]
struct Plan {
    lost: Vec<LaneNo>,
    give_up: Vec<LaneNo>,
    /// What may be taken, in this order.
    free: Vec<Lease>,
    take_max: usize,
}

impl Plan {
    /// `members` are in order, `member` among them.
    fn of(member: Uuid, members: &[Uuid], lanes: &[Owned], held: &BTreeMap<LaneNo, Held>) -> Self {
        let is_ours = |lane: &Owned| lane.owner == Some(member);
        let is_held = |lane: &Owned| held.get(&lane.lease.lane).is_some_and(|held| held.epoch == lane.lease.epoch);
        let still_ours = |lane: LaneNo| lanes.iter().any(|row| row.lease.lane == lane && is_ours(row) && is_held(row));
        let (kept, lost): (Vec<LaneNo>, Vec<LaneNo>) = held.keys().partition(|lane| still_ours(**lane));

        let place = members.iter().position(|other| *other == member).unwrap_or_default();
        let count = members.len().max(1);
        let share = lanes.len() / count + usize::from(place < lanes.len() % count);
        let staying: Vec<LaneNo> = kept.into_iter().filter(|lane| held.get(lane).is_some_and(|held| !held.giving_up)).collect();
        let give_up = staying.get(share..).unwrap_or_default().to_vec();

        // Ours by the table, but not held: taken without hearing of it, lost to ourselves, or not released. It needs another epoch.
        let stray = lanes.iter().filter(|lane| is_ours(lane) && !is_held(lane));
        let ownerless = lanes.iter().filter(|lane| lane.owner.is_none_or(|owner| !members.contains(&owner)));
        let take_max = share.saturating_sub(staying.len()).max(stray.clone().count());
        let free = stray.chain(ownerless).map(|lane| lane.lease).collect();
        Self { lost, give_up, free, take_max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A member by its place; every member here lives.
    fn id(place: u128) -> Uuid {
        Uuid::from_u128(place)
    }

    /// What member 1 is to do: `lanes` says for each lane the owner (0: none) and its epoch; `held` what the member believes, `!` after it
    /// for what it is giving up. In the result, `-` is lost, `!` to be given up, `+` may be taken, and then how many.
    fn check(members: &[u128], lanes: &[(u128, i64)], held: &[(u16, i64, &str)], expected: &str) {
        let owned = |(lane, &(owner, epoch)): (usize, &(u128, i64))| Owned {
            lease: Lease { lane: LaneNo(u16::try_from(lane).unwrap()), epoch },
            owner: (owner != 0).then(|| id(owner)),
        };
        let rows: Vec<Owned> = lanes.iter().enumerate().map(owned).collect();
        let members: Vec<Uuid> = members.iter().copied().map(id).collect();
        let believed = |&(lane, epoch, mark): &(u16, i64, &str)| (LaneNo(lane), Held { epoch, giving_up: mark == "!" });
        let plan = Plan::of(id(1), &members, &rows, &held.iter().map(believed).collect());
        let mut words: Vec<String> = plan.lost.iter().map(|lane| format!("-{lane}")).collect();
        words.extend(plan.give_up.iter().map(|lane| format!("!{lane}")));
        if plan.take_max > 0 {
            words.extend(plan.free.iter().map(|lease| format!("+{}", lease.lane)));
            words.push(format!("max {}", plan.take_max));
        }
        assert_eq!(words.join(" "), expected, "{members:?} {lanes:?} {held:?}");
    }

    #[test]
    fn a_member_moves_towards_its_share() {
        // Alone: everything is its own.
        check(&[1], &[(0, 0), (0, 0), (0, 5)], &[], "+0 +1 +2 max 3");
        check(&[1], &[(1, 1), (1, 1)], &[(0, 1, ""), (1, 1, "")], "");
        // Silent owners are not members: their lanes are free, within the share.
        check(&[1, 2], &[(9, 1), (9, 1), (2, 1), (9, 1)], &[], "+0 +1 +3 max 2");
        // Living owners keep theirs.
        check(&[1, 2], &[(2, 1), (2, 1), (2, 1), (2, 1)], &[], "max 2");
        // Of five lanes the earlier of two members gets three.
        check(&[1, 2], &[(0, 0); 5], &[], "+0 +1 +2 +3 +4 max 3");
        check(&[0, 1], &[(0, 0); 5], &[], "+0 +1 +2 +3 +4 max 2");
        // More members than lanes: some get none.
        check(&[1, 2, 3], &[(0, 0)], &[], "+0 max 1");
        check(&[0, 1], &[(0, 0)], &[], "");
    }

    #[test]
    fn what_is_too_much_is_given_up_once() {
        let all = [(1, 1); 4];
        check(&[1, 2], &all, &[(0, 1, ""), (1, 1, ""), (2, 1, ""), (3, 1, "")], "!2 !3");
        check(&[1, 2], &all, &[(0, 1, ""), (1, 1, ""), (2, 1, "!"), (3, 1, "!")], "");
        check(&[1, 2, 3], &all, &[(0, 1, ""), (1, 1, ""), (2, 1, ""), (3, 1, "!")], "!2");
        // The others went meanwhile: what is being given up is not counted, and comes back after its release.
        check(&[1], &[(1, 1), (0, 1)], &[(0, 1, "!")], "+1 max 2");
    }

    #[test]
    fn what_another_took_is_lost() {
        check(&[1, 2], &[(1, 1), (2, 2)], &[(0, 1, ""), (1, 1, "")], "-1");
        // Taken and let go: ours again, but only under another epoch.
        check(&[1], &[(0, 3)], &[(0, 1, "")], "-0 +0 max 1");
        // Ours by the table under an epoch nobody told us of: a take whose answer was lost.
        check(&[1], &[(1, 3)], &[(0, 1, "")], "-0 +0 max 1");
        // Such a lane is never left lying, not even beyond the share.
        check(&[1, 2], &[(1, 1), (1, 1)], &[(0, 1, "")], "+1 max 1");
    }
}
