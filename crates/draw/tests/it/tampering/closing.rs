//! The closed lobby and its list.

use goticket_domain::queue::draw::LOBBY_LEAF_BYTES;

use super::Row;
use crate::honest::{CLOSED_AT_S, Case, entries, honest};
use crate::operator::{Operator, at_s};

/// Closed at another time, in the sight of no one.
fn closed_at(operator: &Operator, seconds: i64) -> Case {
    let mut case = honest(operator).without(true, true);
    operator.finish(&mut case.record, &entries(), at_s(seconds));
    case
}

/// Another list beside the same head.
fn listed(operator: &Operator, change: impl FnOnce(&mut Vec<u8>)) -> Case {
    let mut case = honest(operator);
    change(&mut case.leaves);
    case
}

pub(super) const ROWS: &[Row] = &[
    ("drawn without closing", "not_closed", |operator| {
        let mut case = honest(operator);
        case.record.closed = None;
        case
    }),
    ("drawn from a lobby that goes on", "head_not_last", |operator| {
        let mut case = honest(operator);
        let open = operator.head(&entries(), case.terms(), at_s(CLOSED_AT_S), false);
        case.record.closed = Some(open);
        case
    }),
    ("a head that someone else signed", "forged_head", |operator| {
        let mut case = honest(operator);
        let forged = Operator::new(2).head(&entries(), case.terms(), at_s(CLOSED_AT_S), true);
        case.record.closed = Some(forged);
        case
    }),
    ("a head over earlier terms", "forged_head", |operator| {
        let mut case = honest(operator);
        let earlier = operator.head(&entries(), &case.record.announced[0].terms, at_s(CLOSED_AT_S), true);
        case.record.closed = Some(earlier);
        case
    }),
    ("closed before the announced end", "closed_early", |operator| closed_at(operator, 7_199)),
    ("closed when the round was out", "closed_late", |operator| closed_at(operator, 7_230)),
    ("closed long after the round", "closed_late", |operator| closed_at(operator, 9_000)),
    ("other terms after the closing", "terms_out_of_time", |operator| {
        let mut case = honest(operator).without(true, true);
        case.record.announced.push(operator.announce(at_s(CLOSED_AT_S + 10), at_s(7_200)));
        operator.finish(&mut case.record, &entries(), at_s(CLOSED_AT_S));
        case
    }),
    ("a list that ends within an entry", "broken_entry", |operator| listed(operator, |leaves| leaves.truncate(40))),
    ("an entry of no kind", "broken_entry", |operator| listed(operator, |leaves| leaves[0] = 3)),
    ("an entry left out of the list", "wrong_size", |operator| listed(operator, |leaves| drop(leaves.drain(..LOBBY_LEAF_BYTES)))),
    ("an entry more in the list", "wrong_size", |operator| {
        listed(operator, |leaves| leaves.extend_from_within(..LOBBY_LEAF_BYTES))
    }),
    ("two entries exchanged in the list", "wrong_root", |operator| {
        listed(operator, |leaves| {
            let (one, other) = leaves.split_at_mut(LOBBY_LEAF_BYTES);
            one.swap_with_slice(&mut other[..LOBBY_LEAF_BYTES]);
        })
    }),
];
