//! The room's log: what happened to its line, in order. The line is what follows from it ([`Line`](super::Line)), and nothing else.

use super::{DrawSeed, PlaceId, Score};

/// One thing that happened. Times are Unix milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// A place was taken: in the lobby, or at the end of the line. Means nothing for a place that stands already.
    Join(PlaceId),
    /// A place was given back, wherever it stood. Whoever was inside may hold a token that still buys: see [`Entry::End`].
    Leave(PlaceId),
    /// A place whose turn it is went inside. Means nothing once its claim window is over.
    Claim {
        /// Whose.
        place: PlaceId,
        /// The end of the session.
        until_ms: i64,
        /// The end of its slot, when the first token given out for it has ended, if it is not renewed and the session does not end before.
        slot_ms: i64,
    },
    /// A session was renewed: the last token given out for it buys longer. Means nothing once its slot is over.
    Renew {
        /// Whose.
        place: PlaceId,
        /// The end of the slot, if the session does not end before.
        slot_ms: i64,
    },
    /// A session goes on whose slot was over: there was room for it when this was decided.
    Resume {
        /// Whose.
        place: PlaceId,
        /// The end of the slot, if the session does not end before.
        slot_ms: i64,
    },
    /// A session is not renewed any more. Its slot is free when the last token that was given out for it has ended.
    End {
        /// Whose.
        place: PlaceId,
        /// The end of the slot, if it does not end before.
        until_ms: i64,
    },
    /// A booking of the fan was confirmed at that time. Their session ends by it, if it had begun by then: nothing is renewed any more.
    Booked {
        /// Whose.
        place: PlaceId,
        /// When it was decided.
        booked_ms: i64,
    },
    /// The turn of every place in line up to this score came.
    Admit {
        /// The highest score.
        through: Score,
        /// The end of their claim window.
        claim_by_ms: i64,
    },
    /// A fan came back whose turn had passed, or whose slot was over: their turn comes once more, ahead of those who wait. Means nothing for a
    /// place that was deferred before, whatever happened since.
    Defer(PlaceId),
    /// The second turn of every deferred place up to this score came.
    AdmitDeferred {
        /// The highest score.
        through: Score,
        /// The end of their claim window.
        claim_by_ms: i64,
    },
    /// The lobby was closed: who joins from now on stands at the end of the line.
    Close,
    /// The order of the closed lobby was drawn.
    Draw(DrawSeed),
}

/// Entries that were written together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// How many entries the log had before.
    pub first: u64,
    /// When, Unix milliseconds; never before the segment before.
    pub at_ms: i64,
    /// SHA-256 over the log up to here; the same only for the same log.
    pub hash: LogHash,
    /// The same, before this segment.
    pub before: LogHash,
    /// What happened.
    pub entries: Vec<Entry>,
}

/// SHA-256 over a log.
pub type LogHash = [u8; 32];

/// Of an empty log.
pub const EMPTY_LOG: LogHash = [0; 32];

impl Segment {
    /// How many entries the log has after it.
    pub fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }
}
