//! The lobby's last head.

use goticket_domain::queue::draw::{BeaconTerms, DrawRecord, DrawTerms, LobbyHead};
use jiff::Timestamp;

use super::CLOCKS_APART_MS;
use crate::signature::is_signed;
use crate::{Witness, Wrong};

/// None where the lobby is still to be closed.
pub(super) fn check(record: &DrawRecord) -> Result<Option<&LobbyHead>, Wrong> {
    let Some(closed) = &record.closed else {
        return if record.outcome.is_some() { Err(Wrong::NotClosed) } else { Ok(None) };
    };
    let last = record.announced.last().ok_or(Wrong::NoTerms)?;
    if !closed.closed {
        return Err(Wrong::HeadNotLast);
    }
    check_signature(Witness::Closing, closed, &last.terms)?;
    if is_much_later(last.at, closed.at) {
        return Err(Wrong::TermsOutOfTime { witness: Witness::Closing, at: closed.at });
    }
    let (at, closes_at) = (closed.at, last.terms.closes_at);
    // Heads are signed with their time in milliseconds.
    if at.as_millisecond() < closes_at.as_millisecond() {
        return Err(Wrong::ClosedEarly { at, closes_at });
    }
    match last.terms.beacon.as_ref().map(BeaconTerms::comes_at) {
        Some(known_since) if at >= known_since => Err(Wrong::ClosedLate { at, known_since }),
        _ => Ok(Some(closed)),
    }
}

/// That a head is signed, over these terms.
pub(super) fn check_signature(witness: Witness, head: &LobbyHead, terms: &DrawTerms) -> Result<(), Wrong> {
    let signed = is_signed(&terms.signer, &head.signed_bytes(terms), &head.signature);
    if signed { Ok(()) } else { Err(Wrong::ForgedHead { witness }) }
}

/// Later than clocks are apart.
pub(super) fn is_much_later(at: Timestamp, than: Timestamp) -> bool {
    at.as_millisecond() > than.as_millisecond().saturating_add(CLOCKS_APART_MS)
}
