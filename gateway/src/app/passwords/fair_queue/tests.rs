#![allow(clippy::unwrap_used, clippy::expect_used)]
use std::net::Ipv4Addr;

use super::*;

fn who(network: u32, account: u32) -> Who {
    let account = EmailAddress::parse(&format!("fan{account}@example.com")).unwrap();
    Who { network: Ipv4Addr::from(network).into(), account }
}

/// Everyone of a storm comes again as soon as they had their turn, as often as they are let in. How many turns there are until whoever comes
/// after them has theirs; none where they are refused, or made room for others.
fn turns(waiting_max: usize, storm: &[Who], newcomer: &Who) -> Option<usize> {
    let mut queue = FairQueue::new(waiting_max);
    let fill = |queue: &mut FairQueue<Option<Who>>| {
        for one in storm {
            while queue.push(one.clone(), Some(one.clone())).is_some() {}
        }
    };
    fill(&mut queue);
    queue.push(newcomer.clone(), None)?;
    for turn in 1..=10_000 {
        match queue.next() {
            Some(Some(_)) => fill(&mut queue),
            Some(None) => return Some(turn),
            None => return None,
        }
    }
    None
}

#[test]
fn a_storm_holds_up_no_one_else_for_more_than_a_few_turns() {
    let from = |networks: u32, accounts: u32| -> Vec<Who> {
        (0..networks).flat_map(|network| (0..accounts).map(move |account| who(network, account))).collect()
    };
    let pairs = |pairs: u32| -> Vec<Who> { (0..pairs).map(|n| who(n, n)).collect() };
    let (owner, fan) = (who(9_000, 0), who(9_000, 9_000));
    let rows = [
        ("no one", 256, vec![], &fan, Some(1)),
        ("three networks after one account, another fan", 256, from(3, 1), &fan, Some(2)),
        ("three networks after one account, its owner", 256, from(3, 1), &owner, Some(4)),
        ("the same in a queue of the size of before", 32, from(3, 1), &fan, Some(2)),
        ("the same in a queue that the storm fills", 8, from(3, 1), &owner, Some(4)),
        ("a hundred networks after one account, another fan", 512, from(100, 1), &fan, Some(2)),
        ("one network after all accounts, another fan", 256, from(1, 500), &fan, Some(3)),
        ("one network after all accounts, an owner", 256, from(1, 500), &owner, Some(3)),
        ("three networks after all accounts, a fan", 256, from(3, 500), &fan, Some(7)),
        ("a fan behind the network of a storm after one account", 256, from(1, 1), &who(0, 9_000), Some(2)),
        // No one can tell these from fans: who comes later waits longer.
        ("twenty fans", 256, pairs(20), &fan, Some(21)),
        ("as many fans as may wait", 20, pairs(20), &fan, None),
        // From the very network of the storm the owner is one of those who try.
        ("the storm's own network and account", 256, from(3, 1), &who(0, 0), None),
    ];
    for (what, waiting_max, storm, newcomer, expected) in rows {
        assert_eq!(turns(waiting_max, &storm, newcomer), expected, "{what}");
    }
}

#[test]
fn a_network_and_an_account_tried_from_there_have_their_limits() {
    let mut queue = FairQueue::new(256);
    let mut last = None;
    for n in 0..PAIR_WAITING_MAX {
        last = queue.push(who(1, 1), n);
        assert!(last.is_some(), "{n}");
    }
    assert!(queue.push(who(1, 1), 0).is_none());
    assert!(queue.push(who(2, 1), 0).is_some(), "the same account from elsewhere");
    for n in PAIR_WAITING_MAX..NETWORK_WAITING_MAX {
        assert!(queue.push(who(1, u32::try_from(n).unwrap() + 10), n).is_some(), "{n}");
    }
    assert!(queue.push(who(1, 9), 0).is_none());
    queue.leave(last.unwrap());
    assert!(queue.push(who(1, 1), 0).is_some(), "there is room again");
}

#[test]
fn a_full_queue_makes_room_at_the_cost_of_the_network_with_most() {
    let mut queue = FairQueue::new(4);
    for (n, one) in [who(1, 1), who(1, 2), who(1, 3), who(2, 1)].into_iter().enumerate() {
        assert!(queue.push(one, n).is_some());
    }
    assert!(queue.push(who(1, 4), 4).is_none(), "it is that network");
    assert!(queue.push(who(3, 1), 5).is_some(), "for the third one of the first network");
    assert!(queue.push(who(2, 2), 6).is_none(), "that would have as many as any other");
    let mut left: Vec<usize> = std::iter::from_fn(|| queue.next()).collect();
    left.sort_unstable();
    assert_eq!(left, [0, 1, 3, 5]);
}

#[test]
fn nothing_is_left_of_who_has_gone() {
    let mut queue = FairQueue::new(256);
    let tickets: Vec<Ticket> = (0..20).filter_map(|n| queue.push(who(n, n), n)).collect();
    assert_eq!(tickets.len(), 20);
    for ticket in tickets.iter().take(10) {
        queue.leave(*ticket);
        queue.leave(*ticket);
    }
    assert_eq!(std::iter::from_fn(|| queue.next()).count(), 10);
    assert!(queue.networks.0.is_empty() && queue.accounts.0.is_empty() && queue.pairs.0.is_empty());
}
