//! The waiting room's rules: places, the draw, the board, the room's states and the port through which others reach it.

mod board;
mod control_log;
pub mod draw;
pub mod entry_rules;
pub mod groups;
pub mod history;
mod line;
mod log;
mod mode;
mod pivots;
mod place;
mod policy;
mod port;
mod published;
mod room;

pub use board::{Availability, Board, BoardDraw, CategoryChance, Location};
pub use control_log::{BrokenControlLog, ControlLogHead, verify_control_log};
pub use draw::{
    Announced, BeaconChain, BeaconSignature, BeaconTerms, DrawOutcome, DrawProofs, DrawRecord, DrawSecret, DrawSeed, DrawTerms,
    LobbyEntry, LobbyHead, LobbyPage, MerkleRoot, Receipt, Signature, SignerKey, order,
};
pub use entry_rules::{Challenge, CodeRule, EntryChange, EntryRefusal, EntryRules, JoinPass};
pub use groups::{Group, GroupRefusal};
pub use line::{Line, Phase, Standing};
pub use log::{EMPTY_LOG, Entry, LogHash, Segment};
pub use mode::{Bounds, RoomMode, WhenDown};
pub use pivots::{Pivot, Pivots};
pub use place::{PlaceId, PlaceKind, PlaceTicket, Score};
pub use policy::{
    AnnouncedPolls, Arrivals, AutoLimits, AutoRate, Bucket, CategoryStock, Chance, Crowd, Distance, Drain, DrainTerms, Eta,
    EtaModel, EtaRange, Health, HeldUp, Limits, LineFacts, LineNow, Pace, Release, ReleaseReason, Session, ShadowLine, Shown,
    Spare, WhatIf, admissible, chances, deferred_first, may_resume, opens_at_once, poll_after_ms, release, slot_until_ms,
};
pub use port::{
    AtOnce, AutoChange, Claimed, ClaimedPlace, ControlChange, JoinedPlace, LOBBY_PAGE, LogEntry, QueueError, RenewedTicket,
    RoomControl, WaitingRoom,
};
pub use published::{BoardVersion, PublishedBoard};
pub use room::{RoomSettings, RoomState, SettingsError, limits};
