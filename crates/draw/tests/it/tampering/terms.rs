//! Announcements.

use goticket_domain::EventId;
use goticket_domain::queue::draw::{BeaconTerms, Commitment, DrawTerms, SignerKey};
use uuid::Uuid;

use super::Row;
use crate::honest::{Case, honest};
use crate::operator::{GENESIS_S, Operator, at_s};

/// Changes the last terms; what is signed over them follows.
fn last(operator: &Operator, change: impl FnOnce(&mut DrawTerms)) -> Case {
    let mut case = honest(operator).without(true, true);
    change(&mut case.record.announced[1].terms);
    let entries = crate::honest::entries();
    case.refinish(operator, &entries);
    case
}

fn beacon(terms: &mut DrawTerms) -> &mut BeaconTerms {
    terms.beacon.as_mut().unwrap()
}

pub(super) const ROWS: &[Row] = &[
    ("no terms", "no_terms", |operator| {
        let mut case = honest(operator);
        case.record.announced.clear();
        case
    }),
    ("terms of another event", "terms_of_another_event", |operator| {
        last(operator, |terms| terms.event = EventId(Uuid::from_u128(99)))
    }),
    ("other rules", "unknown_algorithm", |operator| last(operator, |terms| terms.algorithm = "goticket-draw-0".into())),
    ("another secret, from one announcement to the next", "commitment_changed", |operator| {
        last(operator, |terms| terms.commitment = Commitment([9; 32]))
    }),
    ("another signer, from one announcement to the next", "signer_changed", |operator| {
        last(operator, |terms| terms.signer = SignerKey([9; 32]))
    }),
    ("two announcements at one time", "announcements_out_of_order", |operator| {
        let mut case = honest(operator);
        case.record.announced[1].at = case.record.announced[0].at;
        case
    }),
    ("the beacon dropped", "beacon_changed", |operator| last(operator, |terms| terms.beacon = None)),
    ("another chain", "beacon_changed", |operator| {
        last(operator, |terms| {
            beacon(terms).chain = Operator::new(2).chain.unwrap();
        })
    }),
    ("a beacon added to what was announced without", "beacon_changed", |operator| {
        let mut case = honest(operator);
        case.record.announced[0].terms.beacon = None;
        case
    }),
    ("a round without a margin", "no_margin", |operator| {
        last(operator, |terms| {
            let chain = beacon(terms).chain.clone();
            terms.beacon = Some(BeaconTerms::of(chain, 0, at_s(7_200), at_s(600)));
        })
    }),
    ("a chain whose rounds came long ago, it is said", "round_times", |operator| {
        let mut chain = operator.chain.clone().unwrap();
        chain.genesis_s = GENESIS_S + 3_000;
        let liar = Operator { chain: Some(chain), ..Operator::new(1) };
        Case { told: honest(operator).told, ..honest(&liar) }
    }),
    ("a round of the operators' choice", "wrong_round", |operator| last(operator, |terms| beacon(terms).round += 1)),
    ("a round that is out already", "wrong_round", |operator| last(operator, |terms| beacon(terms).round = 7)),
    ("a margin that the round does not follow from", "wrong_round", |operator| {
        last(operator, |terms| beacon(terms).margin_s += 60)
    }),
    ("put off when the round was known", "late_announcement", |operator| {
        let mut case = honest(operator).without(true, true);
        case.record.announced[1] = operator.announce(at_s(3_630), at_s(7_200));
        let entries = crate::honest::entries();
        case.refinish(operator, &entries);
        case
    }),
];
