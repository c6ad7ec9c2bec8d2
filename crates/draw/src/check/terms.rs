//! What was announced, one after the other.

use goticket_domain::queue::draw::{Announced, BeaconTerms, DRAW_ALGORITHM, DrawRecord};

use crate::{Beacons, Wrong};

pub(super) fn check(record: &DrawRecord, known: &Beacons) -> Result<(), Wrong> {
    let first = record.announced.first().ok_or(Wrong::NoTerms)?;
    let mut before: Option<&Announced> = None;
    for (announcement, this) in (1..).zip(&record.announced) {
        check_same(record, first, announcement, this)?;
        if before.is_some_and(|before| this.at <= before.at) {
            return Err(Wrong::AnnouncementsOutOfOrder { announcement });
        }
        if let Some(beacon) = &this.terms.beacon {
            check_round(announcement, this, beacon, known)?;
        }
        if let Some(known_since) = before.and_then(|before| before.terms.beacon.as_ref()).map(BeaconTerms::comes_at)
            && this.at >= known_since
        {
            return Err(Wrong::LateAnnouncement { announcement, known_since });
        }
        before = Some(this);
    }
    Ok(())
}

/// What no announcement may change.
fn check_same(record: &DrawRecord, first: &Announced, announcement: usize, this: &Announced) -> Result<(), Wrong> {
    let (first, terms) = (&first.terms, &this.terms);
    if terms.event != record.event {
        return Err(Wrong::TermsOfAnotherEvent { announcement, event: terms.event });
    }
    if terms.algorithm != DRAW_ALGORITHM {
        return Err(Wrong::UnknownAlgorithm { announcement, algorithm: terms.algorithm.clone() });
    }
    if terms.commitment != first.commitment {
        return Err(Wrong::CommitmentChanged { announcement });
    }
    if terms.signer != first.signer {
        return Err(Wrong::SignerChanged { announcement });
    }
    let [chain, first_chain] = [terms, first].map(|terms| terms.beacon.as_ref().map(|beacon| &beacon.chain));
    if chain == first_chain { Ok(()) } else { Err(Wrong::BeaconChanged { announcement }) }
}

/// There is only one round that these terms may name.
fn check_round(announcement: usize, this: &Announced, beacon: &BeaconTerms, known: &Beacons) -> Result<(), Wrong> {
    if beacon.margin_s == 0 {
        return Err(Wrong::NoMargin { announcement });
    }
    let times = known.get(&beacon.chain.chain).and_then(|known| known.chain.as_ref());
    if times.is_some_and(|times| *times != beacon.chain) {
        return Err(Wrong::RoundTimes { announcement });
    }
    let expected = BeaconTerms::of(beacon.chain.clone(), beacon.margin_s, this.terms.closes_at, this.at).round;
    if beacon.round == expected { Ok(()) } else { Err(Wrong::WrongRound { announcement, round: beacon.round, expected }) }
}
