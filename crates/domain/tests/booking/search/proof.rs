//! What the searches prove, what they must have seen to prove anything, and that they see what is broken.
//!
//! The two in full take minutes, and are there in a release build only: `cargo test --release -p goticket-domain --test booking`.

use rstest::rstest;

#[cfg(not(debug_assertions))]
use super::scenes::{money_in_full, two_each_in_full};
use super::{
    Found, Move, Sabotage, Seen,
    scenes::{Scene, keys, money, one_each, two_each},
    search,
};
use crate::rules::Rule;

/// A search that ended too early, or never got to what it is about, proves nothing.
fn has_seen(seen: &Seen, states_min: usize, effects: &[&str]) -> Result<(), String> {
    if seen.states < states_min {
        return Err(format!("{} states are fewer than {states_min}", seen.states));
    }
    if seen.ends == 0 {
        return Err("no way was followed to its end".to_owned());
    }
    match effects.iter().find(|effect| !seen.effects.contains_key(**effect)) {
        Some(missed) => Err(format!("never seen: {missed}")),
        None => Ok(()),
    }
}

/// The way in words.
fn tell(scene: &Scene, Found { fault, way }: &Found) -> String {
    let moves = way.iter().map(|by| match by {
        Move::Command(index) => format!("{:?}", scene.commands[*index]),
        other => format!("{other:?}"),
    });
    format!("{}: {:?}: {}\n{}", scene.name, fault.rule, fault.what, moves.collect::<Vec<_>>().join("\n"))
}

#[track_caller]
fn prove(scene: &Scene, states_min: usize, effects: &[&str]) {
    let seen = search(scene, None).unwrap_or_else(|found| panic!("{}", tell(scene, &found)));
    println!(
        "{}: {} states, {} decisions, {} ends, {} moves deep\n{:#?}",
        scene.name, seen.states, seen.decisions, seen.ends, seen.depth, seen.effects
    );
    has_seen(&seen, states_min, effects).unwrap_or_else(|missed| panic!("{}: {missed}", scene.name));
}

const LIFE: [&str; 8] = [
    "held",
    "held to cancelled",
    "held to expired",
    "open to paid, held to confirmed",
    "open to refund_due",
    "refused cancelled",
    "refused closed",
    "refused not_on_sale",
];

const MONEY: [&str; 13] = [
    "open to paid, expired to confirmed",
    "held to expired, open to paid, expired to confirmed",
    "held to expired, open to refund_due",
    "open to declined",
    "open to review",
    "declined to paid, held to confirmed",
    "declined to paid, expired to confirmed",
    "declined to refund_due",
    "declined to review",
    "refund_due to refunded",
    "notice without effect",
    "refused held",
    "refused sold",
];

#[test]
fn money_goes_its_way_whatever_happens_when() {
    prove(&money(), 30_000, &[&LIFE[..], &MONEY].concat());
}

#[test]
fn a_key_has_one_outcome_whatever_happens_when() {
    prove(&keys(), 7_000, &[&LIFE[..], &["refused held", "refused sold"]].concat());
}

#[test]
fn nobody_has_more_than_one_ticket_whatever_happens_when() {
    prove(
        &one_each(),
        30_000,
        &[&LIFE[..], &["refused limit_reached", "refused yours", "refused held", "refused sold"]].concat(),
    );
}

#[test]
fn a_seat_has_one_owner_whatever_happens_when() {
    prove(&two_each(), 14_000, &[&LIFE[..], &["refused yours", "refused not_together"]].concat());
}

#[test]
#[cfg(not(debug_assertions))]
fn money_goes_its_way_in_full() {
    prove(&money_in_full(), 400_000, &[&LIFE[..], &MONEY].concat());
}

#[test]
#[cfg(not(debug_assertions))]
fn a_seat_has_one_owner_in_full() {
    prove(
        &two_each_in_full(),
        1_600_000,
        &[&LIFE[..], &["refused yours", "refused not_together", "refused limit_reached"]].concat(),
    );
}

#[rstest]
#[case(Sabotage::RevivesCancelled, money(), Rule::Life)]
#[case(Sabotage::GivesTakenSeats, money(), Rule::OneOwner)]
#[case(Sabotage::ForgetsKeys, keys(), Rule::OneOutcome)]
#[case(Sabotage::ForgetsOvertaking, keys(), Rule::Effect)]
#[case(Sabotage::ConfirmsWhenClosed, money(), Rule::Payments)]
#[case(Sabotage::IgnoresTheLimit, one_each(), Rule::TicketLimit)]
#[case(Sabotage::ConfirmsOverdue, money(), Rule::Life)]
#[case(Sabotage::PaidTwice, money(), Rule::Payments)]
#[case(Sabotage::KeepsMoney, money(), Rule::Payments)]
#[case(Sabotage::AcceptsAnyAmount, money(), Rule::Payments)]
#[case(Sabotage::CancelsAnyones, keys(), Rule::Effect)]
#[case(Sabotage::ExpiresEarly, one_each(), Rule::Life)]
#[case(Sabotage::TakesBackInPart, money(), Rule::Effect)]
#[case(Sabotage::NeedsNothing, keys(), Rule::Needs)]
fn what_is_broken_is_found(#[case] sabotage: Sabotage, #[case] scene: Scene, #[case] rule: Rule) {
    let found = search(&scene, Some(sabotage)).expect_err("not found");
    println!("{sabotage:?}: {}", tell(&scene, &found));
    assert_eq!(found.fault.rule, rule, "{}", tell(&scene, &found));
    assert!(!found.way.is_empty() && found.way.len() <= 8, "the shortest way is short: {}", tell(&scene, &found));
}

#[test]
fn a_search_that_saw_too_little_fails() {
    let seen = search(&keys(), None).unwrap_or_else(|found| panic!("{}", tell(&keys(), &found)));
    assert_eq!(has_seen(&seen, seen.states, &["held"]), Ok(()));
    assert!(has_seen(&seen, seen.states + 1, &[]).is_err());
    assert!(has_seen(&seen, 1, &["held to refunded"]).is_err());
    assert!(has_seen(&Seen { ends: 0, ..seen }, 1, &[]).is_err());
}
