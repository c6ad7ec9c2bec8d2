//! The lobby as a Merkle log: each of its leaves is an entry of the room's log, in the same order.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DrawTerms, MerkleRoot, Signature, TermsHash};
use crate::EventId;
use crate::queue::{Entry, PlaceId};

/// What happened in the lobby.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LobbyEntry {
    /// A place was taken. Means nothing for one that is taken already.
    Join(PlaceId),
    /// A place was given back.
    Leave(PlaceId),
}

/// Length of a leaf: 1 for a join or 2 for a leave, then the place.
pub const LOBBY_LEAF_BYTES: usize = 17;

impl LobbyEntry {
    /// None for an entry that no open lobby has.
    pub fn of(entry: &Entry) -> Option<Self> {
        match *entry {
            Entry::Join(place) => Some(Self::Join(place)),
            Entry::Leave(place) => Some(Self::Leave(place)),
            _ => None,
        }
    }

    /// The leaf's content.
    pub fn leaf(&self) -> [u8; LOBBY_LEAF_BYTES] {
        let (kind, place) = match self {
            Self::Join(place) => (1, place),
            Self::Leave(place) => (2, place),
        };
        let mut leaf = [kind; LOBBY_LEAF_BYTES];
        leaf[1..].copy_from_slice(&place.0);
        leaf
    }

    /// Reads [`Self::leaf`] back.
    pub fn from_leaf(leaf: &[u8]) -> Option<Self> {
        let (kind, place) = leaf.split_first()?;
        let place = PlaceId(place.try_into().ok()?);
        match kind {
            1 => Some(Self::Join(place)),
            2 => Some(Self::Leave(place)),
            _ => None,
        }
    }
}

/// Who takes part in the draw: everyone who joined and did not leave. In no order.
pub fn participants(entries: impl IntoIterator<Item = LobbyEntry>) -> HashSet<PlaceId> {
    let mut places = HashSet::new();
    for entry in entries {
        match entry {
            LobbyEntry::Join(place) => places.insert(place),
            LobbyEntry::Leave(place) => places.remove(&place),
        };
    }
    places
}

/// How far a lobby had come, signed: nothing before it can be changed any more without proof.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LobbyHead {
    /// Leaves.
    pub size: u64,
    /// Root over them.
    pub root: MerkleRoot,
    /// When it was signed.
    pub at: Timestamp,
    /// No leaf comes after these: the lobby is closed.
    pub closed: bool,
    /// Over [`Self::signed_bytes`].
    pub signature: Signature,
}

impl LobbyHead {
    /// `"goticket lobby head 1" ‖ event ‖ size (8) ‖ root ‖ at (8) ‖ closed (1) ‖ hash of the terms in force`: numbers with the highest
    /// byte first, times in Unix milliseconds.
    pub fn signed_bytes(&self, terms: &DrawTerms) -> Vec<u8> {
        let parts: [&[u8]; 7] = [
            b"goticket lobby head 1",
            terms.event.0.as_bytes(),
            &self.size.to_be_bytes(),
            &self.root.0,
            &self.at.as_millisecond().to_be_bytes(),
            &[u8::from(self.closed)],
            &terms.hash().0,
        ];
        parts.concat()
    }
}

/// The waiting room's word that a place was taken: an entry of the room's log says so.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Receipt {
    /// Which event.
    pub event: EventId,
    /// Which place.
    pub place: PlaceId,
    /// Entries in the room's log before the one that took it. In the lobby: the leaf's index.
    pub position: u64,
    /// When this was signed.
    pub at: Timestamp,
    /// Of the draw's terms that were in force.
    pub terms: TermsHash,
    /// Over [`Self::signed_bytes`].
    pub signature: Signature,
}

impl Receipt {
    /// `"goticket receipt 1" ‖ event ‖ place ‖ position (8) ‖ at (8) ‖ terms`.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let parts: [&[u8]; 6] = [
            b"goticket receipt 1",
            self.event.0.as_bytes(),
            &self.place.0,
            &self.position.to_be_bytes(),
            &self.at.as_millisecond().to_be_bytes(),
            &self.terms.0,
        ];
        parts.concat()
    }
}
