//! The waiting room's rules: places, the draw, the board, the room's states and the port through which others reach it.

mod board;
mod control_log;
mod draw;
mod line;
mod log;
mod pivots;
mod place;
mod policy;
mod port;
mod published;
mod room;

pub use board::{Availability, Board, Location};
pub use control_log::{BrokenControlLog, ControlLogHead, verify_control_log};
pub use draw::{Commitment, DrawSecret, DrawSeed, MerkleRoot};
pub use line::{Line, Phase, Standing};
pub use log::{EMPTY_LOG, Entry, LogHash, Segment};
pub use pivots::{Pivot, Pivots};
pub use place::{PlaceId, PlaceKind, PlaceTicket, Score};
pub use policy::{
    AnnouncedPolls, AutoLimits, AutoRate, Bucket, Distance, Eta, EtaModel, EtaRange, Health, Limits, Pace, Shown, Spare,
    admissible, poll_after_ms,
};
pub use port::{Claimed, ClaimedPlace, ControlChange, JoinedPlace, LogEntry, QueueError, RoomControl, WaitingRoom};
pub use published::{BoardVersion, PublishedBoard};
pub use room::{RoomSettings, RoomState, SettingsError, limits};
