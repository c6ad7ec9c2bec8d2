//! The negative control: what the beacon is for.

use goticket_domain::queue::PlaceId;
use goticket_domain::queue::draw::{LobbyEntry, order, participants, seed};
use goticket_draw::{Standing, TestSigner, Weak};

use crate::honest::{CLOSED_AT_S, Case, OURS, entries, honest};
use crate::operator::{Operator, at_s, place};

/// Adds a place of their own, another one each time, until the friend's comes first, with the round that they expect.
fn steered(operator: &Operator, friend: PlaceId, expected: Option<&TestSigner>) -> Vec<LobbyEntry> {
    let terms = operator.announce(at_s(600), at_s(7_200)).terms;
    let round = expected.map(|beacon| beacon.sign(terms.beacon.as_ref().unwrap().round));
    let candidates = (100..=u8::MAX).map(|own| [entries(), vec![LobbyEntry::Join(place(own))]].concat());
    let first = |entries: &Vec<LobbyEntry>| {
        let closed = operator.head(entries, &terms, at_s(CLOSED_AT_S), true);
        let seed = seed(operator.event, &closed, &operator.secret, round.as_ref());
        order(&seed, participants(entries.iter().copied()))[0] == friend
    };
    candidates.into_iter().find(first).unwrap()
}

fn rank(case: &Case) -> u64 {
    match case.check().unwrap().place.unwrap().standing {
        Standing::Drawn { rank } => rank,
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_a_beacon_the_operators_choose_who_comes_first_and_the_verdict_says_that_they_can() {
    let operator = Operator { chain: None, ..Operator::new(1) };
    let mut case = honest(&operator);
    case.fan.boards.pop();
    let chosen = steered(&operator, place(OURS), None);
    case.refinish(&operator, &chosen);
    assert_eq!(rank(&case), 0);
    assert!(case.check().unwrap().weak.contains(&Weak::Steerable));
}

/// The list is fixed before the round. Whatever they expect it to be, the true one orders the list by chance.
#[test]
fn with_a_beacon_they_choose_a_list_and_get_a_rank_by_chance() {
    const DRAWS: u64 = 90;
    let mut ranks = [0_u64; 9];
    for number in 0..DRAWS {
        let beacon = TestSigner::new(1_000 + number);
        let operator = Operator { chain: Some(beacon.chain(crate::operator::GENESIS_S, 3)), beacon, ..Operator::new(1) };
        let chosen = steered(&operator, place(OURS), Some(&TestSigner::new(number)));
        let mut case = honest(&operator).without(true, false);
        let receipt = operator.receipt(OURS.into(), place(OURS), at_s(700), case.terms());
        case.fan.receipts = vec![receipt];
        case.refinish(&operator, &chosen);
        ranks[usize::try_from(rank(&case)).unwrap()] += 1;
    }
    // Nine take part: each rank is expected ten times, with a standard deviation of three.
    assert!(ranks.iter().all(|times| (2..=20).contains(times)), "{ranks:?}");
}

/// With the round they could: so it has to be too late for another list by then.
#[test]
fn who_waits_for_the_round_is_named() {
    let operator = Operator::new(1);
    let chosen = steered(&operator, place(OURS), Some(&operator.beacon));
    let mut case = honest(&operator);
    case.refinish(&operator, &chosen);
    case.fan.boards[2].seed = None;
    assert_eq!(case.check().unwrap_err().name(), "closed_twice");
    let mut late = case.clone().without(true, false);
    operator.finish(&mut late.record, &chosen, at_s(7_300));
    assert_eq!(late.check().unwrap_err().name(), "closed_late");
    // Dated back, and no one has kept the closed lobby: the only way, and the verdict says that it is open.
    let unseen = case.without(true, false);
    assert_eq!(rank(&unseen), 0);
    assert!(unseen.check().unwrap().weak.contains(&Weak::ClosingUnwitnessed));
}
