//! What a member of those who share should have, and what it has to do for it: a function of what is stored.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Lease, Owned};

/// What a member believes to have.
pub(super) struct Held {
    pub(super) epoch: i64,
    pub(super) giving_up: bool,
}

/// What one tick is to change.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Plan<K> {
    pub(super) lost: Vec<K>,
    pub(super) give_up: Vec<K>,
    /// What may be taken, in this order.
    pub(super) free: Vec<Lease<K>>,
    pub(super) take_max: usize,
}

impl<K: Copy + Ord> Plan<K> {
    /// `members` are in order, `member` among them; so is `all`.
    pub(super) fn of(member: Uuid, members: &[Uuid], all: &[Owned<K>], held: &BTreeMap<K, Held>) -> Self {
        let is_ours = |row: &Owned<K>| row.owner == Some(member);
        let is_held = |row: &Owned<K>| held.get(&row.lease.key).is_some_and(|held| held.epoch == row.lease.epoch);
        let row = |key: K| all.binary_search_by_key(&key, |row| row.lease.key).ok().and_then(|at| all.get(at));
        let still_ours = |key: K| row(key).is_some_and(|row| is_ours(row) && is_held(row));
        let (kept, lost): (Vec<K>, Vec<K>) = held.keys().partition(|key| still_ours(**key));

        let place = members.iter().position(|other| *other == member).unwrap_or_default();
        let count = members.len().max(1);
        let share = all.len() / count + usize::from(place < all.len() % count);
        let staying: Vec<K> = kept.into_iter().filter(|key| held.get(key).is_some_and(|held| !held.giving_up)).collect();
        let give_up = staying.get(share..).unwrap_or_default().to_vec();

        // Ours by the table, but not held: taken without hearing of it, lost to ourselves, or not released. It needs another epoch.
        let stray = all.iter().filter(|row| is_ours(row) && !is_held(row));
        let ownerless = all.iter().filter(|row| row.owner.is_none_or(|owner| !members.contains(&owner)));
        let take_max = share.saturating_sub(staying.len()).max(stray.clone().count());
        let free = stray.chain(ownerless).map(|row| row.lease).collect();
        Self { lost, give_up, free, take_max }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use goticket_domain::lane::LaneNo;

    use super::*;

    /// A member by its place; every member here lives.
    fn id(place: u128) -> Uuid {
        Uuid::from_u128(place)
    }

    /// What member 1 is to do: `lanes` says for each lane the owner (0: none) and its epoch; `held` what the member believes, `!` after it
    /// for what it is giving up. In the result, `-` is lost, `!` to be given up, `+` may be taken, and then how many.
    fn check(members: &[u128], lanes: &[(u128, i64)], held: &[(u16, i64, &str)], expected: &str) {
        let owned = |(lane, &(owner, epoch)): (usize, &(u128, i64))| Owned {
            lease: Lease { key: LaneNo(u16::try_from(lane).unwrap()), epoch },
            owner: (owner != 0).then(|| id(owner)),
        };
        let rows: Vec<Owned> = lanes.iter().enumerate().map(owned).collect();
        let members: Vec<Uuid> = members.iter().copied().map(id).collect();
        let believed = |&(lane, epoch, mark): &(u16, i64, &str)| (LaneNo(lane), Held { epoch, giving_up: mark == "!" });
        let plan = Plan::of(id(1), &members, &rows, &held.iter().map(believed).collect());
        let mut words: Vec<String> = plan.lost.iter().map(|lane| format!("-{lane}")).collect();
        words.extend(plan.give_up.iter().map(|lane| format!("!{lane}")));
        if plan.take_max > 0 {
            words.extend(plan.free.iter().map(|lease| format!("+{}", lease.key)));
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
        // Ours by the table under an epoch no one told us of: a take whose answer was lost.
        check(&[1], &[(1, 3)], &[(0, 1, "")], "-0 +0 max 1");
        // Such a lane is never left lying, not even beyond the share.
        check(&[1, 2], &[(1, 1), (1, 1)], &[(0, 1, "")], "+1 max 1");
    }
}
