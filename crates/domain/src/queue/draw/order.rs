//! The order of a lobby.

use super::DrawSeed;
use crate::queue::PlaceId;
use crate::queue::place::{hmac, keyed};

/// What a place is ordered by: `HMAC-SHA-256(seed, place)`, as a number with the highest byte first.
pub fn order_key(seed: &DrawSeed, place: PlaceId) -> [u8; 32] {
    hmac(&seed.0, &place.0)
}

/// Everyone who takes part, the first first.
pub fn order(seed: &DrawSeed, participants: impl IntoIterator<Item = PlaceId>) -> Vec<PlaceId> {
    let order_key = keyed(&seed.0);
    let mut ordered: Vec<([u8; 32], PlaceId)> = participants.into_iter().map(|place| (order_key(&place.0), place)).collect();
    ordered.sort_unstable();
    ordered.into_iter().map(|(_, place)| place).collect()
}

/// A leaf of the tree that proves ranks: `rank (8) ‖ place`. The first in line has rank 0.
pub fn rank_leaf(rank: u64, place: PlaceId) -> [u8; 24] {
    let mut leaf = [0; 24];
    leaf[..8].copy_from_slice(&rank.to_be_bytes());
    leaf[8..].copy_from_slice(&place.0);
    leaf
}
