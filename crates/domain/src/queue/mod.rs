//! The waiting room's rules: places, the draw, the board, the room's states and the port through which others reach it.

mod board;
mod control_log;
pub mod draw;
mod line;
mod log;
mod pivots;
mod place;
mod policy;
mod port;
mod published;
mod room;

pub use board::{Availability, Board, BoardDraw, Location};
pub use control_log::{BrokenControlLog, ControlLogHead, verify_control_log};
pub use draw::{
    Announced, BeaconChain, BeaconSignature, BeaconTerms, DrawOutcome, DrawProofs, DrawRecord, DrawSecret, DrawSeed, DrawTerms,
    LobbyEntry, LobbyHead, LobbyPage, MerkleRoot, Receipt, Signature, SignerKey, order,
};
pub use line::{Line, Phase, Standing};
pub use log::{EMPTY_LOG, Entry, LogHash, Segment};
pub use pivots::{Pivot, Pivots};
pub use place::{PlaceId, PlaceKind, PlaceTicket, Score};
pub use policy::{
    AnnouncedPolls, AutoLimits, AutoRate, Bucket, Distance, Drain, DrainTerms, Eta, EtaModel, EtaRange, Health, Limits, LineNow,
    Pace, Shown, Spare, WhatIf, admissible, poll_after_ms,
};
pub use port::{
    AutoChange, Claimed, ClaimedPlace, ControlChange, JoinedPlace, LOBBY_PAGE, LogEntry, QueueError, RenewedTicket, RoomControl,
    WaitingRoom,
};
pub use published::{BoardVersion, PublishedBoard};
pub use room::{RoomSettings, RoomState, SettingsError, limits};
