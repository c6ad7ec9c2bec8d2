//! What a fan kept: boards and receipts. They say what the waiting room said before it knew what would be drawn.

use goticket_domain::queue::BoardDraw;
use goticket_domain::queue::draw::{DrawRecord, DrawTerms, LobbyEntry, LobbyHead, Receipt, TermsHash};
use jiff::Timestamp;

use super::closing::{check_signature, is_much_later};
use super::lobby::Lobby;
use crate::signature::is_signed;
use crate::{Witness, Wrong};

pub(super) fn check_boards(record: &DrawRecord, lobby: Option<&Lobby<'_>>, boards: &[BoardDraw]) -> Result<(), Wrong> {
    for (number, board) in (1..).zip(boards) {
        let witness = Witness::Board(number);
        if !record.announced.iter().any(|announced| announced.terms == board.terms) {
            return Err(Wrong::TermsMoved { witness });
        }
        if let Some(head) = &board.lobby {
            check_signature(witness, head, &board.terms)?;
            if !was_in_force(record, &board.terms, head.at) {
                return Err(Wrong::TermsOutOfTime { witness, at: head.at });
            }
            check_prefix(witness, head, lobby)?;
        }
        if let Some(seed) = board.seed
            && record.outcome.as_ref().map(|outcome| outcome.seed) != Some(seed)
        {
            return Err(Wrong::SeedChanged { witness, seed });
        }
    }
    Ok(())
}

/// Terms are in force from their announcement to the next one, and may be announced again later.
fn was_in_force(record: &DrawRecord, terms: &DrawTerms, at: Timestamp) -> bool {
    let next = record.announced.iter().skip(1).map(|next| Some(next.at)).chain([None]);
    record.announced.iter().zip(next).any(|(this, next)| {
        let replaced = next.is_some_and(|next| is_much_later(at, next));
        this.terms == *terms && !is_much_later(this.at, at) && !replaced
    })
}

/// That the closed lobby begins with what a head was over, or is it.
fn check_prefix(witness: Witness, head: &LobbyHead, lobby: Option<&Lobby<'_>>) -> Result<(), Wrong> {
    let said = |head: &LobbyHead| (head.size, head.root, head.at.as_millisecond());
    let Some(lobby) = lobby else {
        return if head.closed { Err(Wrong::ClosedTwice { witness }) } else { Ok(()) };
    };
    let (size, closed) = (head.size, lobby.closed.size);
    if head.closed && said(head) != said(lobby.closed) {
        return Err(Wrong::ClosedTwice { witness });
    }
    if size > closed {
        return Err(Wrong::EntriesDropped { witness, size, closed });
    }
    if lobby.root_of(size) == Some(head.root) { Ok(()) } else { Err(Wrong::EntriesChanged { witness, size }) }
}

/// How many of them are of places that were taken after the lobby.
pub(super) fn check_receipts(record: &DrawRecord, lobby: Option<&Lobby<'_>>, receipts: &[Receipt]) -> Result<u64, Wrong> {
    let hashes: Vec<TermsHash> = record.announced.iter().map(|announced| announced.terms.hash()).collect();
    let mut late = 0;
    for (number, receipt) in (1..).zip(receipts) {
        let witness = Witness::Receipt(number);
        check_receipt(witness, record, &hashes, receipt)?;
        if let Some(lobby) = lobby {
            late += u64::from(!is_in(witness, record, lobby, receipt)?);
        }
    }
    Ok(late)
}

/// That the waiting room gave it out, for this draw.
fn check_receipt(witness: Witness, record: &DrawRecord, hashes: &[TermsHash], receipt: &Receipt) -> Result<(), Wrong> {
    let first = record.announced.first().ok_or(Wrong::NoTerms)?;
    if receipt.event != record.event {
        return Err(Wrong::ReceiptOfAnotherEvent { witness, event: receipt.event });
    }
    if !is_signed(&first.terms.signer, &receipt.signed_bytes(), &receipt.signature) {
        return Err(Wrong::ForgedReceipt { witness });
    }
    let index = hashes.iter().position(|hash| *hash == receipt.terms).ok_or(Wrong::TermsMoved { witness })?;
    // A replica may hear of new terms late, but not know them before they are there.
    let at = receipt.at;
    if is_much_later(record.announced[index].at, at) { Err(Wrong::TermsOutOfTime { witness, at }) } else { Ok(()) }
}

/// Whether it is of the lobby; then its entry must be in the list.
fn is_in(witness: Witness, record: &DrawRecord, lobby: &Lobby<'_>, receipt: &Receipt) -> Result<bool, Wrong> {
    let (entry, place, at) = (receipt.position, receipt.place, receipt.at);
    if entry >= lobby.closed.size {
        // It may have been signed in the moment of the closing, but no place is late before it.
        let closes_at = record.announced.last().map(|last| last.terms.closes_at);
        let cut_off = closes_at.is_some_and(|closes_at| is_much_later(closes_at, at));
        return if cut_off { Err(Wrong::ReceiptCutOff { witness, entry, at }) } else { Ok(false) };
    }
    if lobby.entry(entry) == Some(LobbyEntry::Join(place)) {
        Ok(true)
    } else {
        Err(Wrong::ReceiptIgnored { witness, entry, place })
    }
}
