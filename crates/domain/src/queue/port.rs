//! The port through which the rest of the system reaches the waiting room. Two adapters: gRPC and in-process.

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::entry_rules::{CodeBatchState, CodeState, MadeCodes, NewCodes};
use super::{
    AutoLimits, Challenge, DrawProofs, DrawRecord, EntryChange, EntryRefusal, Group, GroupRefusal, Health, HeldUp, JoinPass,
    LobbyPage, PlaceId, PlaceTicket, PublishedBoard, Receipt, RoomMode, RoomSettings, RoomState, Score, WhatIf, WhenDown,
};
use crate::{AccountId, EventId};

/// A place that was joined, or found again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JoinedPlace {
    /// What the ticket says.
    pub ticket: PlaceTicket,
    /// The signed form, for the fan to keep.
    pub signed: String,
    /// True where the account had this place before.
    pub existing: bool,
    /// That it was taken, for the world to check; none for one found again after its draw.
    pub receipt: Option<Receipt>,
    /// Its turn has come already.
    pub turn: bool,
}

/// A ticket in the place of another one of the same place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RenewedTicket {
    /// What it says.
    pub ticket: PlaceTicket,
    /// The signed form, for the fan to keep.
    pub signed: String,
}

/// A session that began, or goes on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claimed {
    /// Signed for one account and one event; see the tokens crate.
    pub entry_token: String,
    /// When the token ends: claim again before, as long as the session lasts.
    pub expires_at: Timestamp,
    /// When the session ends, whatever is claimed.
    pub session_ends_at: Timestamp,
}

/// Where an exact place stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClaimedPlace {
    /// In line with this score, this many before it.
    Waiting {
        /// Its position key.
        score: Score,
        /// How many stand before it.
        ahead: u64,
    },
    /// Admitted, to be claimed by then.
    Admitted {
        /// The end of the claim window.
        claim_by: Timestamp,
    },
    /// Inside, until then.
    Inside {
        /// The end of the session.
        until: Timestamp,
    },
    /// Not here (any more).
    Gone,
}

/// Most leaves of one page of a lobby's list: a megabyte.
pub const LOBBY_PAGE: u64 = 60_000;

/// What an operator changes; None leaves as it is.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ControlChange {
    /// New state.
    pub state: Option<RoomState>,
    /// New rate, admissions per minute. It is in force from then on: an automatic rate ends, unless `auto` says otherwise.
    pub rate_per_min: Option<u32>,
    /// Whether the rate moves by itself from now on, and between which limits.
    pub auto: Option<AutoChange>,
    /// New burst.
    pub burst: Option<u32>,
    /// New cap of fans inside.
    pub active_cap: Option<u32>,
    /// New claim window, seconds.
    pub claim_window_s: Option<u32>,
    /// New session length, seconds.
    pub session_s: Option<u32>,
    /// Whether those inside may buy.
    pub selling: Option<bool>,
    /// New message.
    pub message: Option<String>,
    /// Whether the room closes when everything is sold.
    pub close_when_sold_out: Option<bool>,
    /// How fans are let in.
    pub mode: Option<RoomMode>,
    /// When who joins has their turn at once.
    pub open_below: Option<AtOnce>,
    /// What gateways do that have lost the waiting room.
    pub when_down: Option<WhenDown>,
    /// Why, for the log.
    pub reason: String,
    /// Only if this is still the room's [`RoomControl::revision`]; None changes it however it stands.
    pub if_revision: Option<i64>,
    /// What is asked of who joins.
    #[serde(default)]
    pub entry: EntryChange,
}

/// Who moves the rate from now on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum AutoChange {
    /// Operators: `rate_per_min` is in force.
    Off,
    /// The booking pipeline, between these limits.
    Between(AutoLimits),
}

/// When who joins has their turn at once, from now on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum AtOnce {
    /// Never: turns come with the ticks.
    Never,
    /// While fewer join in a minute, and no one waits.
    Below(u32),
}

impl AtOnce {
    /// As it is set.
    pub fn joins(self) -> Option<u32> {
        match self {
            Self::Never => None,
            Self::Below(joins) => Some(joins),
        }
    }
}

/// What operators see and set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoomControl {
    /// Which event.
    pub event: EventId,
    /// Where the room stands.
    pub state: RoomState,
    /// What is set.
    pub settings: RoomSettings,
    /// Of state and settings: grows with every change of them, by whomever.
    pub revision: i64,
    /// The rate in force: the set one, or where the automatic one stands.
    pub rate_in_force_per_min: u32,
    /// How the booking pipeline of the event does; none where nothing was heard of it for too long to raise a rate by it.
    pub pipeline: Option<Health>,
    /// Places in line.
    pub waiting: u64,
    /// Admitted so far.
    pub admitted: u64,
    /// Inside now: admitted and not gone.
    pub active: u64,
    /// What holds the line up.
    pub held_up_by: Option<HeldUp>,
    /// Of a shadow room: how many would wait.
    pub would_wait: Option<u64>,
}

/// One change in the hash chain of a room's log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogEntry {
    /// Running number, from 1.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Who; None for the schedule.
    pub actor: Option<AccountId>,
    /// What changed, as JSON.
    pub change: String,
    /// Why.
    pub reason: String,
    /// SHA-256 over the previous entry's hash and this entry, hexadecimal.
    pub hash: String,
}

/// Why the waiting room says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// No room for this event: unknown, or not published.
    #[error("there is no waiting room for this event")]
    UnknownEvent,
    /// Too early.
    #[error("the waiting room opens at {opens_at}")]
    NotYetOpen {
        /// When it opens.
        opens_at: Timestamp,
    },
    /// Too late: draining or closed.
    #[error("the waiting room takes no one in any more")]
    ClosedToJoins {
        /// Draining or closed.
        state: RoomState,
    },
    /// The line is as long as it may get.
    #[error("the line is full")]
    Full,
    /// The place ticket is forged, damaged, of another event or account.
    #[error("the place ticket is not valid: {0}")]
    BadTicket(String),
    /// Not at the front yet.
    #[error("it is not this place's turn yet")]
    NotYourTurn {
        /// How many stand before.
        ahead: u64,
    },
    /// The draw is still to come.
    #[error("the order has not been drawn yet")]
    NotDrawn,
    /// The lobby is open: its list is not final.
    #[error("the lobby is not closed yet")]
    NotClosed,
    /// The session lasts, but it was not renewed in time: its slot is over, and for the moment there is none for it. Claim again.
    #[error("no one else can come inside for the moment")]
    NoRoomInside,
    /// The turn had passed, and comes once more, with the next ones; a join finds the place with its new ticket.
    #[error("this place's turn has passed and comes once more")]
    Deferred {
        /// How many come before it.
        ahead: u64,
    },
    /// Admitted, but did not come in time, for the second time; join again.
    #[error("the time to claim this place has passed")]
    ClaimWindowPassed,
    /// No such place in line: left, or its session is over; join again.
    #[error("this place is not in line")]
    NotInLine,
    /// A control change that is not allowed.
    #[error("{field}: {problem}")]
    BadControl {
        /// The field's JSON name.
        field: String,
        /// What is wrong and what is allowed.
        problem: String,
    },
    /// State or settings are not any more what the caller decided with; nothing was changed.
    #[error("the room was changed meanwhile")]
    ControlChanged,
    /// May not enter the line; who stands in it is not asked.
    #[error(transparent)]
    Entry(#[from] EntryRefusal),
    /// It cannot be as it was wanted with a group.
    #[error(transparent)]
    Group(#[from] GroupRefusal),
    /// A store is away; nothing was changed, or it can safely be asked again.
    #[error("the waiting room is unavailable for the moment")]
    Unavailable,
}

/// The waiting room. Every method is one atomic effect and safe to repeat.
#[async_trait]
pub trait WaitingRoom: Send + Sync + 'static {
    /// Takes this account's one place, or finds it again. Who let their turn pass for the first time has it once more, soon.
    async fn join_with(&self, event: EventId, account: AccountId, pass: &JoinPass) -> Result<JoinedPlace, QueueError>;
    /// The same, with nothing to show.
    async fn join(&self, event: EventId, account: AccountId) -> Result<JoinedPlace, QueueError> {
        self.join_with(event, account, &JoinPass::default()).await
    }
    /// The group in which this account stands.
    async fn group(&self, event: EventId, account: AccountId) -> Result<Group, QueueError>;
    /// Makes a group of this account's place in the lobby, or finds the one in which it stands.
    async fn make_group(&self, event: EventId, account: AccountId) -> Result<Group, QueueError>;
    /// Leaves its group, and stands in the lobby alone again; where it leads the group everyone does. In no group it has left.
    async fn leave_group(&self, event: EventId, account: AccountId) -> Result<(), QueueError>;
    /// What this account has to solve before it joins; none where the room asks for no proof of work.
    async fn challenge(&self, event: EventId, account: AccountId) -> Result<Option<Challenge>, QueueError>;
    /// Makes codes that let their holders in; logged with `actor` and reason. Repeating it makes other ones.
    async fn make_codes(&self, event: EventId, new: NewCodes, actor: AccountId) -> Result<MadeCodes, QueueError>;
    /// Every batch of codes, the oldest first, and how often it was used.
    async fn code_batches(&self, event: EventId) -> Result<Vec<CodeBatchState>, QueueError>;
    /// One code, as it was typed.
    async fn code(&self, event: EventId, code: &str) -> Result<CodeState, QueueError>;
    /// The same, and no one joins by it any more. Who did stays in line.
    async fn revoke_code(&self, event: EventId, code: &str, actor: AccountId, reason: &str) -> Result<CodeState, QueueError>;
    /// Where the ticket's place stands exactly (one look at Redis; polls use the board instead).
    async fn place(&self, event: EventId, account: AccountId, signed_ticket: &str) -> Result<ClaimedPlace, QueueError>;
    /// A ticket that says the rank, for one from before its draw.
    async fn renew(&self, event: EventId, account: AccountId, signed_ticket: &str) -> Result<RenewedTicket, QueueError>;
    /// Turns an admitted place into a session. Repeating it gives the same session, and a token that ends later. A session that was not renewed
    /// before its last token ended goes on if there is room.
    async fn claim(&self, event: EventId, account: AccountId, signed_ticket: &str) -> Result<Claimed, QueueError>;
    /// Gives the place or session back.
    async fn leave(&self, event: EventId, account: AccountId) -> Result<(), QueueError>;
    /// What operators see.
    async fn control(&self, event: EventId) -> Result<RoomControl, QueueError>;
    /// Changes it; the change is logged with `actor` and reason before it takes effect. With a revision, of those who change it at the same
    /// time one succeeds.
    async fn set_control(&self, event: EventId, change: ControlChange, actor: AccountId) -> Result<RoomControl, QueueError>;
    /// What a change would do to the time in which the line drains. Refused where the change would be; changes nothing.
    async fn what_if(&self, event: EventId, change: ControlChange) -> Result<WhatIf, QueueError>;
    /// The latest changes, or those before that number, newest first, at most `limit`.
    async fn log(&self, event: EventId, before: Option<u64>, limit: u32) -> Result<Vec<LogEntry>, QueueError>;
    /// What is public of the draw by now.
    async fn draw(&self, event: EventId) -> Result<DrawRecord, QueueError>;
    /// The closed lobby's list from this leaf on, at most [`LOBBY_PAGE`] leaves.
    async fn lobby(&self, event: EventId, from: u64) -> Result<LobbyPage, QueueError>;
    /// What proves a place in the closed lobby: its entry at this position, where it is told, and its rank.
    async fn proofs(&self, event: EventId, place: PlaceId, position: Option<u64>) -> Result<DrawProofs, QueueError>;
    /// Every room's boards from now on, the current ones first. Ends when the connection to the waiting room does; whoever watches again may
    /// reach a process that is behind, and drops what is older than what they have.
    async fn watch(&self) -> Result<BoxStream<'static, Arc<PublishedBoard>>, QueueError>;
}
