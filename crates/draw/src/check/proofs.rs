//! The place that was asked for, and what the waiting room proves of it.

use goticket_domain::queue::PlaceId;
use goticket_domain::queue::draw::{DrawProofs, DrawRecord, LobbyEntry, rank_leaf};

use super::Fan;
use super::lobby::Lobby;
use crate::Wrong;

/// The place's rank, where it has one.
pub(super) fn check(
    record: &DrawRecord,
    lobby: Option<&Lobby<'_>>,
    order: Option<&[PlaceId]>,
    fan: &Fan,
) -> Result<Option<u64>, Wrong> {
    let rank_of = |place: PlaceId| order?.iter().position(|drawn| *drawn == place).map(|rank| rank as u64);
    let rank = fan.place.and_then(rank_of);
    match fan.rank {
        Some(said) if rank != Some(said) => return Err(Wrong::RankNotDrawn { said }),
        _ => {}
    }
    let Some(proofs) = &fan.proofs else { return Ok(rank) };
    let place = proofs.place;
    if fan.place.is_some_and(|asked| asked != place) {
        return Err(Wrong::ProofsOfAnotherPlace { place });
    }
    if let Some(lobby) = lobby {
        check_entry(lobby, proofs)?;
    }
    check_rank(record, proofs, rank_of(place))?;
    Ok(rank)
}

fn check_entry(lobby: &Lobby<'_>, proofs: &DrawProofs) -> Result<(), Wrong> {
    let Some(entry) = &proofs.entry else { return Ok(()) };
    let root = entry.root(lobby.closed.size, &LobbyEntry::Join(proofs.place).leaf());
    if root == Some(lobby.closed.root) { Ok(()) } else { Err(Wrong::EntryNotProved) }
}

fn check_rank(record: &DrawRecord, proofs: &DrawProofs, rank: Option<u64>) -> Result<(), Wrong> {
    let Some(outcome) = &record.outcome else { return Ok(()) };
    let proved = match &proofs.rank {
        None => rank.is_none(),
        Some(proof) => {
            let root = proof.root(outcome.places, &rank_leaf(proof.index, proofs.place));
            root == Some(outcome.ranks_root)
        }
    };
    if proved { Ok(()) } else { Err(Wrong::RankNotProved) }
}
