//! The closed lobby's list.

use std::collections::{BTreeMap, HashSet};

use goticket_domain::queue::PlaceId;
use goticket_domain::queue::draw::merkle::MerkleLog;
use goticket_domain::queue::draw::{LOBBY_LEAF_BYTES, LobbyEntry, LobbyHead, MerkleRoot};

use super::Fan;
use crate::Wrong;

/// A list that is the closed lobby's.
pub(super) struct Lobby<'a> {
    pub(super) closed: &'a LobbyHead,
    leaves: &'a [u8],
    pub(super) participants: HashSet<PlaceId>,
    /// Roots over as many first entries as the fan's boards have.
    prefixes: BTreeMap<u64, MerkleRoot>,
    /// By which entry the fan's place was given back.
    pub(super) left: Option<u64>,
}

impl Lobby<'_> {
    /// The entry with this index; none beyond the lobby.
    pub(super) fn entry(&self, index: u64) -> Option<LobbyEntry> {
        let index = usize::try_from(index).ok()?;
        LobbyEntry::from_leaf(self.leaves.chunks_exact(LOBBY_LEAF_BYTES).nth(index)?)
    }

    /// The root when the lobby had so many entries. None of a size that no board of the fan has.
    pub(super) fn root_of(&self, size: u64) -> Option<MerkleRoot> {
        self.prefixes.get(&size).copied()
    }
}

/// In one go, as the list may have millions of entries.
pub(super) fn check<'a>(closed: &'a LobbyHead, leaves: &'a [u8], fan: &Fan) -> Result<Lobby<'a>, Wrong> {
    let mut wanted: Vec<u64> = fan.boards.iter().filter_map(|board| Some(board.lobby.as_ref()?.size)).collect();
    wanted.sort_unstable_by(|one, other| other.cmp(one));
    let (mut log, mut participants, mut prefixes, mut left) = (MerkleLog::default(), HashSet::new(), BTreeMap::new(), None);
    let mut leaves_left = leaves.chunks(LOBBY_LEAF_BYTES);
    loop {
        while wanted.pop_if(|size| *size == log.size()).is_some() {
            prefixes.insert(log.size(), log.root());
        }
        let Some(leaf) = leaves_left.next() else { break };
        let entry = log.size();
        match LobbyEntry::from_leaf(leaf).ok_or(Wrong::BrokenEntry { entry })? {
            LobbyEntry::Join(place) => participants.insert(place),
            LobbyEntry::Leave(place) => {
                if participants.remove(&place) && fan.place == Some(place) {
                    left = Some(entry);
                }
                true
            }
        };
        log.push(leaf);
    }
    if log.size() != closed.size {
        return Err(Wrong::WrongSize { listed: log.size(), size: closed.size });
    }
    if log.root() != closed.root {
        return Err(Wrong::WrongRoot);
    }
    Ok(Lobby { closed, leaves, participants, prefixes, left })
}
