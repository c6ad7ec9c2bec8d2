//! What a draw's checker reads.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::merkle::{self, Hash};
use super::{BeaconSignature, DrawSeed, DrawTerms, LobbyHead, MerkleRoot, Signature};
use crate::EventId;
use crate::queue::PlaceId;

/// Terms, and when they were announced: they are in force until the next ones.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Announced {
    /// When.
    pub at: Timestamp,
    /// What.
    pub terms: DrawTerms,
}

/// What was drawn.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DrawOutcome {
    /// The secret to which the terms commit, hexadecimal.
    pub secret: String,
    /// The beacon's round that they name.
    pub beacon_signature: Option<BeaconSignature>,
    /// What follows from both and from the closed lobby.
    pub seed: DrawSeed,
    /// How many took part.
    pub places: u64,
    /// Root over [`super::rank_leaf`] of each of them, in order.
    pub ranks_root: MerkleRoot,
    /// Over [`Self::signed_bytes`].
    pub signature: Signature,
}

impl DrawOutcome {
    /// `"goticket draw outcome 1" ‖ event ‖ seed ‖ places (8) ‖ root over the ranks`.
    pub fn signed_bytes(&self, event: EventId) -> Vec<u8> {
        let parts: [&[u8]; 5] =
            [b"goticket draw outcome 1", event.0.as_bytes(), &self.seed.0, &self.places.to_be_bytes(), &self.ranks_root.0];
        parts.concat()
    }
}

/// All that is public of a draw by now, but for the lobby's list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DrawRecord {
    /// Which event.
    pub event: EventId,
    /// The terms, as they were announced one after the other; the last ones are in force. Empty for the moment between the event's publication and
    /// the room's first tick.
    pub announced: Vec<Announced>,
    /// The closed lobby.
    pub closed: Option<LobbyHead>,
    /// The draw.
    pub outcome: Option<DrawOutcome>,
}

/// That a leaf is in a tree.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Inclusion {
    /// Which leaf, from 0.
    pub index: u64,
    /// Its siblings on the way to the root, the lowest first.
    pub path: Vec<MerkleRoot>,
}

impl Inclusion {
    /// The root of the tree of so many leaves that has this content there.
    pub fn root(&self, size: u64, content: &[u8]) -> Option<MerkleRoot> {
        let path: Vec<Hash> = self.path.iter().map(|node| node.0).collect();
        merkle::root_of_path(self.index, size, merkle::leaf(content), &path)
    }
}

/// What proves one place: in the closed lobby, and its rank.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DrawProofs {
    /// Whose.
    pub place: PlaceId,
    /// Its entry, where its position was asked for.
    pub entry: Option<Inclusion>,
    /// Its rank is the index; none where it took no part.
    pub rank: Option<Inclusion>,
}

/// A part of the closed lobby's list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LobbyPage {
    /// Leaves, one after the other.
    pub leaves: Vec<u8>,
    /// The leaf after them; none at the end.
    pub next: Option<u64>,
}
