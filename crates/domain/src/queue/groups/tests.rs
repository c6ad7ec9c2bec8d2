use std::collections::BTreeSet;

use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::*;
use crate::queue::{DrawSeed, EMPTY_LOG, Line, Segment, Standing, order};

fn fan(n: u8) -> Fan {
    Fan { account: AccountId(Uuid::from_u128(n.into())), place: PlaceId([n; 16]) }
}

fn member(n: u8, group: u8) -> Member {
    Member { fan: fan(n), group: fan(group).place }
}

/// Fan 1 leads 2 and 3; fan 4 leads no one.
fn roster(open: bool) -> Roster {
    Roster::new(open, [member(1, 1), member(2, 1), member(3, 1), member(4, 4)])
}

fn enter(n: u8, group: u8, largest: u8) -> GroupStep {
    GroupStep::Enter { fan: fan(n), group: fan(group).place, largest }
}

#[test]
fn what_may_be_allowed_has_edges() {
    let rows = [(0, true), (1, false), (limits::MIN_GROUP, true), (limits::MAX_GROUP, true), (limits::MAX_GROUP + 1, false)];
    for (largest, allowed) in rows {
        assert_eq!(may_allow(largest), allowed, "{largest}");
    }
}

#[test]
fn who_stands_in_a_group_is_decided_step_by_step() {
    use GroupRefusal::{Closed, Full, InAnother, InNone, LeadsAnother, Over};
    use GroupStep::{Alone, GiveBack, Make, Quit};
    let place = |n| fan(n).place;
    let alone = |n, over: Option<u8>| Alone { fan: fan(n), over: over.map(place) };
    let (refused, stays) = (|refusal| Err(NotTaken::Refused(refusal)), |n| Err(NotTaken::InGroup(place(n))));
    let joins = |all: &[u8]| Ok(all.iter().map(|n| Entry::Join(place(*n))).collect::<Vec<_>>());
    type Row<'a> = (&'a str, bool, GroupStep, Result<Vec<Entry>, NotTaken>, &'a [(u8, u8)]);
    let all: &[(u8, u8)] = &[(1, 1), (2, 1), (3, 1), (4, 4)];
    let rows: [Row<'_>; 25] = [
        ("no one's business", true, alone(9, None), joins(&[]), all),
        ("who stands in a group finds it", true, alone(2, None), stays(1), all),
        ("the leader, too", true, alone(1, None), stays(1), all),
        ("no group of an open lobby is over", true, alone(2, Some(1)), stays(1), all),
        ("a group that is over ends", false, alone(2, Some(1)), joins(&[]), &[(4, 4)]),
        ("by its leader, too", false, alone(1, Some(1)), joins(&[]), &[(4, 4)]),
        ("not by what is said of another one", false, alone(2, Some(4)), stays(1), all),
        ("a new one", true, Make { fan: fan(9) }, joins(&[]), &[(1, 1), (2, 1), (3, 1), (4, 4), (9, 9)]),
        ("of the open lobby only", false, Make { fan: fan(9) }, refused(Closed), all),
        ("the one there is", false, Make { fan: fan(1) }, stays(1), all),
        ("one more", true, enter(9, 1, 4), joins(&[]), &[(1, 1), (2, 1), (3, 1), (4, 4), (9, 1)]),
        ("one too many", true, enter(9, 1, 3), refused(Full { largest: 3 }), all),
        ("twice", true, enter(2, 1, 3), stays(1), all),
        ("again, when it is final", false, enter(2, 1, 3), stays(1), all),
        ("too late", false, enter(9, 1, 8), refused(Closed), all),
        ("of no group", true, enter(9, 8, 8), refused(Over), all),
        ("of one who only stands in one", true, enter(9, 2, 8), refused(Over), all),
        ("from another group", true, enter(2, 4, 8), refused(InAnother), all),
        ("from others whom they lead", true, enter(1, 4, 8), refused(LeadsAnother), all),
        ("from no one whom they lead", true, enter(4, 1, 8), joins(&[]), &[(1, 1), (2, 1), (3, 1), (4, 1)]),
        ("one leaves", true, Quit { fan: fan(2) }, joins(&[]), &[(1, 1), (3, 1), (4, 4)]),
        ("the leader ends it, and all stand alone", true, Quit { fan: fan(1) }, joins(&[2, 3]), &[(4, 4)]),
        ("not when it is final", false, Quit { fan: fan(2) }, refused(Closed), all),
        ("what is not there", true, Quit { fan: fan(9) }, refused(InNone), all),
        ("a place that is given back", true, GiveBack { place: place(1) }, joins(&[2, 3]), &[(4, 4)]),
    ];
    for (what, open, step, expected, after) in rows {
        let mut roster = roster(open);
        assert_eq!(roster.take(step), expected, "{what}");
        let members: Vec<Member> = after.iter().map(|(n, group)| member(*n, *group)).collect();
        assert_eq!(roster, Roster::new(open, members), "{what}");
    }
    let mut closed = roster(false);
    assert_eq!(closed.take(GiveBack { place: place(1) }), Ok(Vec::new()), "after the lobby no one takes part instead");
    assert_eq!(closed.take(GiveBack { place: place(9) }), Ok(Vec::new()), "no group's");
    assert_eq!(closed, Roster::new(false, [member(4, 4)]));
}

#[test]
fn a_change_takes_out_and_puts_in_what_differs() {
    let before = roster(true);
    let mut after = before.clone();
    assert_eq!(after.since(&before), RosterChange::default());
    after.take(enter(4, 1, 8)).unwrap();
    after.take(GroupStep::Quit { fan: fan(3) }).unwrap();
    let change = after.since(&before);
    assert_eq!(change, RosterChange { out: vec![member(3, 1), member(4, 4)], into: vec![member(4, 1)] });
}

/// The entry that a step belongs to. Who quits may stay, or not.
fn entry_of(step: GroupStep, stay: bool) -> Entry {
    match step {
        GroupStep::Quit { fan } if !stay => Entry::Leave(fan.place),
        GroupStep::Alone { fan, .. } | GroupStep::Make { fan } | GroupStep::Quit { fan } => Entry::Join(fan.place),
        GroupStep::Enter { fan, .. } => Entry::Leave(fan.place),
        GroupStep::GiveBack { place } => Entry::Leave(place),
    }
}

/// A lobby and its groups: the steps are taken one after the other, as the room's lock lets them.
struct Lobby {
    roster: Roster,
    line: Line,
    size: u64,
    largest: u8,
}

impl Lobby {
    fn new(largest: u8) -> Self {
        Self { roster: Roster::new(true, []), line: Line::default(), size: 0, largest }
    }

    fn take(&mut self, step: GroupStep, stay: bool) -> bool {
        let Ok(beside) = self.roster.take(step) else { return false };
        let entries: Vec<Entry> = std::iter::once(entry_of(step, stay)).chain(beside).collect();
        let segment = Segment { first: self.size, at_ms: 1, hash: EMPTY_LOG, before: EMPTY_LOG, entries };
        self.size = segment.end();
        self.line.apply(&segment);
        true
    }

    fn stands(&self, place: PlaceId) -> bool {
        matches!(self.line.standing(place, 1), Some(Standing::Lobby { .. }))
    }

    /// In how many entries of the draw somebody is.
    fn entries_of(&self, fan: Fan) -> usize {
        let member = self.roster.members().find(|member| member.fan == fan);
        let by_group = member.is_some_and(|member| !member.leads() && self.stands(member.group));
        usize::from(self.stands(fan.place)) + usize::from(by_group)
    }
}

const FANS: u8 = 12;

fn steps() -> impl Strategy<Value = GroupStep> {
    let one = || (0..FANS).prop_map(fan);
    prop_oneof![
        2 => one().prop_map(|fan| GroupStep::Alone { fan, over: None }),
        1 => (one(), one()).prop_map(|(fan, other)| GroupStep::Alone { fan, over: Some(other.place) }),
        2 => one().prop_map(|fan| GroupStep::Make { fan }),
        6 => (one(), one()).prop_map(|(fan, other)| GroupStep::Enter { fan, group: other.place, largest: 3 }),
        1 => one().prop_map(|fan| GroupStep::Quit { fan }),
        1 => one().prop_map(|fan| GroupStep::GiveBack { place: fan.place }),
    ]
}

proptest! {
    /// Whatever fans do, in whatever order it is written.
    #[test]
    fn no_one_stands_in_two_entries_and_a_group_always_has_its_place(steps in prop::collection::vec((steps(), any::<bool>()), 1..120)) {
        let mut lobby = Lobby::new(3);
        for (step, stay) in steps {
            let stood: Vec<usize> = (0..FANS).map(|n| lobby.entries_of(fan(n))).collect();
            lobby.take(step, stay);
            let mut groups = BTreeSet::new();
            for n in 0..FANS {
                let entries = lobby.entries_of(fan(n));
                prop_assert!(entries <= 1, "{n} stands in {entries} after {step:?}");
                let gave_back = match step {
                    GroupStep::GiveBack { place } => place == fan(n).place,
                    GroupStep::Quit { fan: who } => who == fan(n) && !stay,
                    _ => false,
                };
                prop_assert!(entries == 1 || stood[usize::from(n)] == 0 || gave_back, "{n} was lost by {step:?}");
            }
            for member in lobby.roster.members() {
                groups.insert(member.group);
            }
            for group in groups {
                let all: Vec<&Member> = lobby.roster.members().filter(|member| member.group == group).collect();
                prop_assert!(lobby.stands(group), "a group without a place after {step:?}");
                prop_assert_eq!(all.iter().filter(|member| member.leads()).count(), 1);
                prop_assert!(all.len() <= usize::from(lobby.largest), "{} after {step:?}", all.len());
            }
        }
    }
}

/// Draws of the sample.
const DRAWS: u32 = 500;
/// Of twenty entries so many are in front.
const FRONT: usize = 4;
/// Five standard deviations of how often one entry of twenty is among the first four.
const TOLERANCE: u32 = 45;

/// How often one of the places of each of these is among the first, over the same draws.
fn in_front<const N: usize>(places: &BTreeSet<PlaceId>, whose: [&[PlaceId]; N]) -> [u32; N] {
    let mut often = [0; N];
    for number in 0..DRAWS {
        let seed = DrawSeed(Sha256::digest(number.to_be_bytes()).into());
        let drawn = order(&seed, places.iter().copied());
        for (often, whose) in often.iter_mut().zip(whose) {
            *often += u32::from(drawn[..FRONT].iter().any(|place| whose.contains(place)));
        }
    }
    often
}

#[test]
fn who_stands_in_a_group_is_drawn_among_the_first_as_often_as_who_stands_alone() {
    let mut lobby = Lobby::new(8);
    for n in 0..27 {
        assert!(lobby.take(GroupStep::Alone { fan: fan(n), over: None }, true));
    }
    let all_alone: BTreeSet<PlaceId> = (0..27).map(|n| fan(n).place).collect();
    assert!(lobby.take(GroupStep::Make { fan: fan(0) }, true));
    for n in 1..8 {
        assert!(lobby.take(enter(n, 0, 8), true));
    }
    let places: BTreeSet<PlaceId> = all_alone.iter().copied().filter(|place| lobby.stands(*place)).collect();
    assert_eq!(places.len(), 20);
    let expected = DRAWS * u32::try_from(FRONT).unwrap() / 20;
    for often in in_front(&places, [&[fan(0).place], &[fan(8).place], &[fan(26).place]]) {
        assert!(often.abs_diff(expected) <= TOLERANCE, "{often} of {DRAWS}, expected {expected}");
    }
    // What would be seen if each of the eight had an entry for all of them.
    let each_for_all: Vec<PlaceId> = (0..8).map(|n| fan(n).place).collect();
    let [often] = in_front(&all_alone, [&each_for_all]);
    assert!(often > 3 * expected, "{often}");
}
