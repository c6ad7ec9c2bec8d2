//! The waiting room's rules: places, the draw, the board, the room's states and the port through which others reach it.

mod board;
mod bucket;
mod draw;
mod line;
mod log;
mod place;
mod port;
mod room;

pub use board::{Availability, Board, Location, Pivot, poll_after_ms};
pub use bucket::{Bucket, Limits, admissible};
pub use draw::{Commitment, DrawSecret, DrawSeed, MerkleRoot};
pub use line::{Line, Phase, Standing};
pub use log::{EMPTY_LOG, Entry, LogHash, Segment};
pub use place::{PlaceId, PlaceKind, PlaceTicket, Score};
pub use port::{Claimed, ClaimedPlace, ControlChange, JoinedPlace, LogEntry, QueueError, RoomControl, WaitingRoom};
pub use room::{RoomSettings, RoomState, SettingsError, limits};
