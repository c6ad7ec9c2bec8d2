//! What boards and receipts show: the operator's record is in order by itself.

use goticket_domain::EventId;
use goticket_domain::queue::draw::{DrawSeed, LobbyEntry, Signature};
use uuid::Uuid;

use super::Row;
use crate::honest::{CLOSED_AT_S, Case, OURS, entries, honest};
use crate::operator::{Operator, at_s, board, place};

/// The lobby is another one afterwards; the fan has boards of when it was open.
fn rewritten(operator: &Operator, change: impl FnOnce(&mut Vec<LobbyEntry>)) -> Case {
    let mut case = honest(operator);
    case.fan.boards.pop();
    let mut entries = entries();
    change(&mut entries);
    case.refinish(operator, &entries);
    case
}

/// The same, and the fan has only the receipt.
fn rewritten_unseen(operator: &Operator, change: impl FnOnce(&mut Vec<LobbyEntry>)) -> Case {
    rewritten(operator, change).without(true, false)
}

/// One board is another one; the operator signed it.
fn shown(operator: &Operator, number: usize, change: impl FnOnce(&Operator, &mut Case, usize)) -> Case {
    let mut case = honest(operator);
    change(operator, &mut case, number);
    case
}

pub(super) const ROWS: &[Row] = &[
    ("the end moved silently, a board shows it", "terms_moved", |operator| {
        shown(operator, 1, |operator, case, number| {
            let announced = operator.announce(at_s(600), at_s(7_000));
            let head = operator.head(&entries()[..8], &announced.terms, at_s(5_000), false);
            case.fan.boards[number] = board(head, &announced.terms);
        })
    }),
    ("an announcement left out of the record", "terms_moved", |operator| {
        let mut case = honest(operator);
        case.record.announced.remove(0);
        case
    }),
    ("a board of replaced terms", "terms_out_of_time", |operator| {
        shown(operator, 0, |operator, case, number| {
            let first = case.record.announced[0].terms.clone();
            let head = operator.head(&entries()[..3], &first, at_s(603), false);
            case.fan.boards[number] = board(head, &first);
        })
    }),
    ("an announcement that was dated back", "terms_out_of_time", |operator| {
        // Known to no one while a board still showed the terms before it.
        let mut case = honest(operator).without(false, true);
        case.record.announced[1].at = at_s(450);
        case
    }),
    ("a board of terms that were yet to come", "terms_out_of_time", |operator| {
        shown(operator, 1, |operator, case, number| {
            let last = case.terms().clone();
            case.fan.boards[number] = board(operator.head(&entries()[..3], &last, at_s(597), false), &last);
        })
    }),
    ("a board that someone else signed", "forged_head", |operator| {
        shown(operator, 1, |_, case, number| case.fan.boards[number].lobby.as_mut().unwrap().signature = Signature([9; 64]))
    }),
    ("a lobby cut off", "entries_dropped", |operator| rewritten(operator, |entries| entries.truncate(7))),
    ("a place dropped", "entries_changed", |operator| {
        rewritten(operator, |entries| entries.retain(|entry| *entry != LobbyEntry::Join(place(OURS))))
    }),
    ("a place dated back", "entries_changed", |operator| {
        rewritten(operator, |entries| entries.insert(1, LobbyEntry::Join(place(50))))
    }),
    ("a place exchanged for another one", "entries_changed", |operator| {
        rewritten(operator, |entries| entries[0] = LobbyEntry::Join(place(50)))
    }),
    ("two places moved", "entries_changed", |operator| rewritten(operator, |entries| entries.swap(0, 1))),
    ("a place added when the round was known", "closed_twice", |operator| {
        let mut case = honest(operator);
        let mut more = entries();
        more.push(LobbyEntry::Join(place(50)));
        case.fan.boards[2].seed = None;
        case.refinish(operator, &more);
        case
    }),
    ("the same lobby, closed again", "closed_twice", |operator| {
        let mut case = honest(operator);
        operator.finish(&mut case.record, &entries(), at_s(CLOSED_AT_S + 5));
        case
    }),
    ("a closed lobby that was opened again", "closed_twice", |operator| {
        let mut case = honest(operator);
        (case.record.closed, case.record.outcome, case.leaves) = (None, None, Vec::new());
        case
    }),
    ("drawn twice", "seed_changed", |operator| {
        shown(operator, 2, |_, case, number| case.fan.boards[number].seed = Some(DrawSeed([9; 32])))
    }),
    ("drawn, and not published", "seed_changed", |operator| {
        let mut case = honest(operator);
        (case.record.outcome, case.fan.proofs) = (None, None);
        case
    }),
    ("a receipt of another event", "receipt_of_another_event", |operator| {
        let mut case = honest(operator);
        case.fan.receipts[0].event = EventId(Uuid::from_u128(99));
        case
    }),
    ("a receipt that someone else signed", "forged_receipt", |operator| {
        let mut case = honest(operator);
        case.fan.receipts[0] =
            Operator { event: operator.event, ..Operator::new(2) }.receipt(4, place(OURS), at_s(700), case.terms());
        case
    }),
    ("a receipt whose position was changed", "forged_receipt", |operator| {
        let mut case = honest(operator);
        case.fan.receipts[0].position = 2;
        case
    }),
    ("the end moved silently, a receipt shows it", "terms_moved", |operator| {
        let mut case = honest(operator);
        let other = operator.announce(at_s(600), at_s(7_000));
        case.fan.receipts[0] = operator.receipt(4, place(OURS), at_s(700), &other.terms);
        case
    }),
    ("a receipt of terms that were yet to come", "terms_out_of_time", |operator| {
        let mut case = honest(operator);
        case.fan.receipts[0] = operator.receipt(4, place(OURS), at_s(597), case.terms());
        case
    }),
    ("a receipt ignored: its place dropped", "receipt_ignored", |operator| {
        rewritten_unseen(operator, |entries| entries.retain(|entry| *entry != LobbyEntry::Join(place(OURS))))
    }),
    ("a receipt ignored: its place moved", "receipt_ignored", |operator| {
        rewritten_unseen(operator, |entries| entries.swap(OURS.into(), 8))
    }),
    ("a receipt ignored: its place left, it is said", "receipt_ignored", |operator| {
        rewritten_unseen(operator, |entries| entries[usize::from(OURS)] = LobbyEntry::Leave(place(OURS)))
    }),
    ("a receipt cut off", "receipt_cut_off", |operator| rewritten_unseen(operator, |entries| entries.truncate(4))),
];
