//! A board on its way: made once by the room's owner, and shown everywhere as it was made.

use std::sync::Arc;

use super::Board;

/// Which of a room's boards is the newer one. The owner counts its boards, and every owner's epoch is higher than the one before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct BoardVersion {
    /// The epoch of the owner that made it.
    pub epoch: i64,
    /// Its number in this epoch.
    pub number: u64,
}

/// A board, and the JSON that every fan gets: made once, and passed on as it is.
#[derive(Clone, PartialEq, Debug)]
pub struct PublishedBoard {
    /// A replica that has shown a board shows no other of the same room with a lower one.
    pub version: BoardVersion,
    /// What it says.
    pub board: Board,
    /// How it says it. May have members that this version does not know.
    pub json: Arc<[u8]>,
}

impl PublishedBoard {
    /// To be published.
    pub fn new(version: BoardVersion, board: Board) -> serde_json::Result<Self> {
        Ok(Self { version, json: serde_json::to_vec(&board)?.into(), board })
    }

    /// As it was published elsewhere.
    pub fn read(version: BoardVersion, json: Arc<[u8]>) -> serde_json::Result<Self> {
        Ok(Self { version, board: serde_json::from_slice(&json)?, json })
    }
}
