//! What was drawn.

use goticket_domain::queue::PlaceId;
use goticket_domain::queue::draw::merkle::MerkleLog;
use goticket_domain::queue::draw::{DrawOutcome, DrawRecord, DrawSecret, DrawTerms, order, rank_leaf, seed};

use super::lobby::Lobby;
use crate::signature::is_signed;
use crate::{Beacons, Wrong, beacon};

/// The order that follows; none where nothing is drawn yet.
pub(super) fn check(record: &DrawRecord, lobby: &Lobby<'_>, known: &Beacons) -> Result<Option<Vec<PlaceId>>, Wrong> {
    let Some(outcome) = &record.outcome else { return Ok(None) };
    let terms = &record.announced.last().ok_or(Wrong::NoTerms)?.terms;
    let secret = check_secret(terms, outcome)?;
    check_round(terms, outcome, known)?;
    if seed(record.event, lobby.closed, &secret, outcome.beacon_signature.as_ref()) != outcome.seed {
        return Err(Wrong::WrongSeed);
    }
    let participants = lobby.participants.len() as u64;
    if outcome.places != participants {
        return Err(Wrong::WrongPlaces { places: outcome.places, participants });
    }
    let order = order(&outcome.seed, lobby.participants.iter().copied());
    let mut ranks = MerkleLog::default();
    for place in &order {
        ranks.push(&rank_leaf(ranks.size(), *place));
    }
    if ranks.root() != outcome.ranks_root {
        return Err(Wrong::WrongRanks);
    }
    let signed = is_signed(&terms.signer, &outcome.signed_bytes(record.event), &outcome.signature);
    if signed { Ok(Some(order)) } else { Err(Wrong::ForgedOutcome) }
}

fn check_secret(terms: &DrawTerms, outcome: &DrawOutcome) -> Result<DrawSecret, Wrong> {
    let mut secret = [0; 32];
    hex::decode_to_slice(&outcome.secret, &mut secret).map_err(|_| Wrong::SecretMalformed)?;
    let secret = DrawSecret(secret);
    if secret.commitment(terms.event) == terms.commitment { Ok(secret) } else { Err(Wrong::SecretNotCommitted) }
}

fn check_round(terms: &DrawTerms, outcome: &DrawOutcome, known: &Beacons) -> Result<(), Wrong> {
    let (beacon, signature) = match (&terms.beacon, &outcome.beacon_signature) {
        (Some(beacon), Some(signature)) => (beacon, signature),
        (Some(_), None) => return Err(Wrong::BeaconMissing),
        (None, Some(_)) => return Err(Wrong::BeaconNotInTerms),
        (None, None) => return Ok(()),
    };
    let (chain, round) = (beacon.chain.chain.clone(), beacon.round);
    let key = known.get(&chain).ok_or(Wrong::UnknownChain { chain })?.key;
    let signature = signature.bytes().unwrap_or_default();
    beacon::verify(&key, round, &signature).map_err(|bad| Wrong::BadRound { round, bad })
}
