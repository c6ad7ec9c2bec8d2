//! The draw itself, and its proofs.

use goticket_domain::queue::draw::{BeaconSignature, DrawOutcome, DrawSecret, MerkleRoot, Signature};
use goticket_draw::TestSigner;

use super::Row;
use crate::honest::{Case, OURS, entries, honest};
use crate::operator::{Operator, place, proofs};

/// Drawn with another round; everything follows from it.
fn drawn_with(operator: &Operator, round: impl FnOnce(u64) -> Option<BeaconSignature>) -> Case {
    let mut case = honest(operator);
    let round = round(case.terms().beacon.as_ref().map_or(0, |beacon| beacon.round));
    redraw(operator, &mut case, round);
    case
}

fn redraw(operator: &Operator, case: &mut Case, round: Option<BeaconSignature>) {
    case.record.outcome = Some(operator.draw(case.record.closed.as_ref().unwrap(), &entries(), round));
    case.fan.boards[2].seed = None;
    case.fan.proofs = None;
}

/// The outcome is another one, and signed.
fn published(operator: &Operator, change: impl FnOnce(&mut DrawOutcome)) -> Case {
    let mut case = honest(operator);
    let mut outcome = case.record.outcome.take().unwrap();
    change(&mut outcome);
    case.record.outcome = Some(operator.signed_outcome(outcome));
    case.fan.boards[2].seed = None;
    case
}

/// The proofs are other ones.
fn proved(operator: &Operator, change: impl FnOnce(&mut Case)) -> Case {
    let mut case = honest(operator);
    change(&mut case);
    case
}

pub(super) const ROWS: &[Row] = &[
    ("a secret that is none", "secret_malformed", |operator| published(operator, |outcome| outcome.secret.truncate(60))),
    ("another secret than the committed one", "secret_not_committed", |operator| {
        let mut case = honest(operator);
        let round = operator.round(case.terms());
        redraw(&Operator { secret: DrawSecret([9; 32]), ..Operator::new(1) }, &mut case, round);
        case
    }),
    ("drawn without the beacon", "beacon_missing", |operator| drawn_with(operator, |_| None)),
    ("drawn with a beacon that was not announced", "beacon_not_in_terms", |_| {
        let operator = Operator { chain: None, ..Operator::new(1) };
        drawn_with(&operator, |round| Some(TestSigner::new(1).sign(round)))
    }),
    ("a chain of the operators' own", "unknown_chain", |operator| Case { told: None, ..honest(operator) }),
    ("another round of the chain", "bad_round", |operator| drawn_with(operator, |round| Some(operator.beacon.sign(round + 1)))),
    ("the round of another key", "bad_round", |operator| drawn_with(operator, |round| Some(TestSigner::new(2).sign(round)))),
    ("a round that is none", "bad_round", |operator| drawn_with(operator, |_| Some(BeaconSignature("ab".repeat(20))))),
    ("a round that is not hexadecimal", "bad_round", |operator| {
        drawn_with(operator, |_| Some(BeaconSignature("none".to_owned())))
    }),
    ("the round in its other form", "bad_round", |operator| {
        drawn_with(operator, |round| {
            let compressed = operator.beacon.sign(round).bytes().unwrap();
            let point = blst::min_sig::Signature::uncompress(&compressed).unwrap();
            Some(BeaconSignature(hex::encode(point.serialize())))
        })
    }),
    ("a seed of the operators' choice", "wrong_seed", |operator| published(operator, |outcome| outcome.seed.0[0] ^= 1)),
    ("a place more than took part", "wrong_places", |operator| published(operator, |outcome| outcome.places += 1)),
    ("another order", "wrong_ranks", |operator| published(operator, |outcome| outcome.ranks_root = MerkleRoot([9; 32]))),
    ("an outcome that someone else signed", "forged_outcome", |operator| {
        let mut case = honest(operator);
        case.record.outcome.as_mut().unwrap().signature = Signature([9; 64]);
        case
    }),
    ("a ticket that says another rank", "rank_not_drawn", |operator| {
        proved(operator, |case| {
            case.fan.rank = case.fan.proofs.as_ref().unwrap().rank.as_ref().map(|rank| rank.index + 1);
        })
    }),
    ("a ticket with a rank before anything is drawn", "rank_not_drawn", |operator| {
        proved(operator, |case| {
            (case.record.outcome, case.fan.proofs, case.fan.rank) = (None, None, Some(0));
            case.fan.boards[2].seed = None;
        })
    }),
    ("proofs of another place", "proofs_of_another_place", |operator| {
        proved(operator, |case| case.fan.proofs = Some(proofs(&case.record, &entries(), place(5))))
    }),
    ("another place's entry", "entry_not_proved", |operator| {
        proved(operator, |case| {
            let other = proofs(&case.record, &entries(), place(5)).entry;
            case.fan.proofs.as_mut().unwrap().entry = other;
        })
    }),
    ("a rank further ahead than drawn", "rank_not_proved", |operator| {
        proved(operator, |case| case.fan.proofs.as_mut().unwrap().rank.as_mut().unwrap().index ^= 1)
    }),
    ("another place's rank", "rank_not_proved", |operator| {
        proved(operator, |case| {
            let other = proofs(&case.record, &entries(), place(5)).rank;
            case.fan.proofs.as_mut().unwrap().rank = other;
        })
    }),
    ("no rank for a place that took part", "rank_not_proved", |operator| {
        proved(operator, |case| {
            case.fan.place = Some(place(OURS));
            case.fan.proofs.as_mut().unwrap().rank = None;
        })
    }),
];
