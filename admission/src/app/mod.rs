//! What a waiting room does, one use case per file.

mod auto_rate;
mod boards;
mod claim;
mod clock;
mod codes;
mod control;
mod counted;
mod draw;
mod end_booked;
mod enter;
mod group_commit;
mod grouped;
mod groups;
mod join;
mod join_group;
mod leave;
mod leave_group;
mod lobby;
mod log_chain;
mod make_group;
mod memory;
mod open_at_once;
pub mod ownership;
mod place;
mod prices;
mod publication;
mod renew;
mod resume;
mod room_log;
mod rooms;
pub mod schedule;
mod set_control;
mod sold_out;
mod statistics;
mod stock;
mod stores;
pub mod tell;
mod tick;
mod ticking;
mod what_if;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use goticket_domain::lane::LaneCount;
use goticket_domain::queue::entry_rules::{CodeBatchState, CodeState, MadeCodes, NewCodes};
use goticket_domain::queue::{
    Challenge, Claimed, ClaimedPlace, ControlChange, DrawProofs, DrawRecord, Group, JoinPass, JoinedPlace, LobbyPage, LogEntry,
    PlaceId, PlaceTicket, PublishedBoard, QueueError, RenewedTicket, RoomControl, WaitingRoom, WhatIf,
};
use goticket_domain::{AccountId, EventId};
use goticket_platform::redis::Redis;
use goticket_platform::shutdown::Shutdown;
use goticket_storage::StorageError;
use goticket_tokens::{EntrySigner, PlaceKeys, ReceiptSigner};
use sqlx::PgPool;
use tokio::sync::OnceCell;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::config::AdmissionConfig;
use crate::outbound::beacon::Beacon;
use crate::outbound::redis::Lines;

/// What the waiting room stands on.
pub struct Deps {
    /// What is durable.
    pub pool: PgPool,
    /// The line.
    pub redis: Redis,
    /// Signs place tickets, derives place ids.
    pub place_keys: PlaceKeys,
    /// Signs entry tokens.
    pub entry_signer: EntrySigner,
    /// Signs receipts, and what proves a draw.
    pub receipts: ReceiptSigner,
    /// The public randomness of draws, where there is one.
    pub beacon: Option<Beacon>,
}

/// The waiting room itself: the port's in-process adapter, and what gRPC serves. What fans are told is by the database's clock (`clock.rs`).
pub struct WaitingRoomService {
    pool: PgPool,
    lines: Lines,
    place_keys: PlaceKeys,
    entry_signer: EntrySigner,
    receipts: ReceiptSigner,
    beacon: Option<Beacon>,
    max_line: u32,
    /// How long an entry token buys, in milliseconds.
    token_ms: i64,
    rooms: rooms::Rooms,
    ownership: ownership::Ownership,
    draws: schedule::Draws,
    boards: boards::Boards,
    board_every: Duration,
    /// Of the installation, as soon as it was asked for.
    lanes: OnceCell<LaneCount>,
    /// The rooms could not be read the last time.
    blind: std::sync::atomic::AtomicBool,
    stores: stores::Stores,
    nudges: open_at_once::Nudges,
    ended: statistics::Ended,
}

impl WaitingRoomService {
    /// A waiting room that does nothing by itself; see [`crate::start`].
    pub fn new(config: &AdmissionConfig, deps: Deps) -> Self {
        let lines = Lines::new(deps.redis);
        Self {
            rooms: rooms::Rooms::new(deps.pool.clone(), lines.clone()),
            ownership: ownership::Ownership::new(deps.pool.clone(), config.lease_ms.millis()),
            draws: schedule::Draws::new(),
            pool: deps.pool,
            lines,
            place_keys: deps.place_keys,
            entry_signer: deps.entry_signer,
            receipts: deps.receipts,
            beacon: deps.beacon,
            max_line: config.max_line.get(),
            token_ms: i64::from(config.entry_token_s.get()) * 1_000,
            boards: boards::Boards::new(),
            board_every: config.board_every_ms.millis(),
            lanes: OnceCell::new(),
            blind: std::sync::atomic::AtomicBool::new(false),
            stores: stores::Stores::default(),
            nudges: open_at_once::Nudges::default(),
            ended: statistics::Ended::default(),
        }
    }

    fn place_of(&self, event: EventId, account: AccountId) -> PlaceId {
        PlaceId::of(&self.place_keys.event_key(event), account)
    }

    fn ticket(&self, event: EventId, account: AccountId, signed: &str) -> Result<PlaceTicket, QueueError> {
        self.place_keys.verify(signed, event, account).map_err(|error| QueueError::BadTicket(error.to_string()))
    }
}

#[async_trait]
impl WaitingRoom for WaitingRoomService {
    async fn join_with(&self, event: EventId, account: AccountId, pass: &JoinPass) -> Result<JoinedPlace, QueueError> {
        let mut joined = self.take_place(event, account, pass).await?;
        joined.turn = self.open_at_once(event, &joined).await;
        Ok(joined)
    }

    async fn group(&self, event: EventId, account: AccountId) -> Result<Group, QueueError> {
        self.read_group(event, account).await
    }

    async fn make_group(&self, event: EventId, account: AccountId) -> Result<Group, QueueError> {
        self.make_or_find_group(event, account).await
    }

    async fn leave_group(&self, event: EventId, account: AccountId) -> Result<(), QueueError> {
        self.quit_group(event, account, true).await
    }

    async fn challenge(&self, event: EventId, account: AccountId) -> Result<Option<Challenge>, QueueError> {
        self.challenge_account(event, account).await
    }

    async fn make_codes(&self, event: EventId, new: NewCodes, actor: AccountId) -> Result<MadeCodes, QueueError> {
        self.make_batch(event, new, actor).await
    }

    async fn code_batches(&self, event: EventId) -> Result<Vec<CodeBatchState>, QueueError> {
        self.read_batches(event).await
    }

    async fn code(&self, event: EventId, code: &str) -> Result<CodeState, QueueError> {
        self.read_code(event, code).await
    }

    async fn revoke_code(&self, event: EventId, code: &str, actor: AccountId, reason: &str) -> Result<CodeState, QueueError> {
        self.take_code_back(event, code, actor, reason).await
    }

    async fn place(&self, event: EventId, account: AccountId, signed_ticket: &str) -> Result<ClaimedPlace, QueueError> {
        self.find_place(event, account, signed_ticket).await
    }

    async fn renew(&self, event: EventId, account: AccountId, signed_ticket: &str) -> Result<RenewedTicket, QueueError> {
        self.renew_ticket(event, account, signed_ticket).await
    }

    async fn claim(&self, event: EventId, account: AccountId, signed_ticket: &str) -> Result<Claimed, QueueError> {
        self.claim_place(event, account, signed_ticket).await
    }

    async fn leave(&self, event: EventId, account: AccountId) -> Result<(), QueueError> {
        self.leave_place(event, account).await
    }

    async fn control(&self, event: EventId) -> Result<RoomControl, QueueError> {
        self.read_control(event).await
    }

    async fn set_control(&self, event: EventId, change: ControlChange, actor: AccountId) -> Result<RoomControl, QueueError> {
        self.change_control(event, change, actor).await
    }

    async fn what_if(&self, event: EventId, change: ControlChange) -> Result<WhatIf, QueueError> {
        self.foresee(event, change).await
    }

    async fn log(&self, event: EventId, before: Option<u64>, limit: u32) -> Result<Vec<LogEntry>, QueueError> {
        self.read_log(event, before, limit).await
    }

    async fn draw(&self, event: EventId) -> Result<DrawRecord, QueueError> {
        self.read_draw(event).await
    }

    async fn lobby(&self, event: EventId, from: u64) -> Result<LobbyPage, QueueError> {
        self.read_lobby(event, from).await
    }

    async fn proofs(&self, event: EventId, place: PlaceId, position: Option<u64>) -> Result<DrawProofs, QueueError> {
        self.prove_place(event, place, position).await
    }

    async fn watch(&self) -> Result<BoxStream<'static, Arc<PublishedBoard>>, QueueError> {
        Ok(self.boards.watch())
    }
}

/// Does what a replica does by itself, until the shutdown. Each loop waits for nothing that another one does: a long draw must not hold up
/// other rooms, nor a slow store the beats that keep them ours.
pub(crate) fn spawn_loops(service: &Arc<WaitingRoomService>, every: Duration, shutdown: &Shutdown) {
    let spawn = |name: &str, every, step: fn(Arc<WaitingRoomService>) -> BoxFuture<'static, ()>| {
        let service = Arc::clone(service);
        shutdown.spawn(name, repeat(every, shutdown.token(), move || step(Arc::clone(&service))));
    };
    let (ticking, token) = (Arc::clone(service), shutdown.token());
    shutdown.spawn("admission ticks", async move { ticking.keep_ticking(every, token).await });
    spawn("waiting room schedule", every, |service| Box::pin(async move { service.take_light_steps().await }));
    spawn("stores", stores::LOOK_EVERY, |service| Box::pin(async move { service.look_after_stores().await }));
    spawn("statistics", statistics::WRITE_EVERY, |service| Box::pin(async move { service.write_intervals().await }));
    spawn("draws", every, |service| Box::pin(async move { service.draw_all().await }));
    let (nudged, token) = (Arc::clone(service), shutdown.token());
    shutdown.spawn("safety net", async move { nudged.tick_when_nudged(token).await });
    let (listening, token) = (Arc::clone(service), shutdown.token());
    shutdown.spawn("boards", async move { listening.listen(token).await });
    let (sharing, token) = (Arc::clone(service), shutdown.token());
    shutdown.spawn("waiting room owners", async move {
        repeat(sharing.ownership.beat_every(), token, || sharing.share_rooms()).await;
        // What is still on its way is written before, or not at all.
        sharing.give_rooms_back().await;
    });
}

/// Runs `step` again and again; a step that was begun is finished.
async fn repeat<F: Future<Output = ()>>(every: Duration, end: CancellationToken, step: impl Fn() -> F) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = end.cancelled() => return,
            _ = ticks.tick() => step().await,
        }
    }
}

/// Redis did not do what was asked. Safe to ask again, so the caller only learns that.
fn redis_failed(error: &redis::RedisError) -> QueueError {
    if goticket_platform::redis::is_unavailable(error) {
        tracing::debug!(%error, "Redis is away");
    } else {
        tracing::error!(%error, "Redis refused");
    }
    QueueError::Unavailable
}

/// Postgres did not do what was asked.
fn storage_failed(error: StorageError) -> QueueError {
    match error {
        StorageError::Unavailable(error) | StorageError::Conflict(error) => tracing::debug!(%error, "Postgres is away or busy"),
        error => tracing::error!(%error, "Postgres refused"),
    }
    QueueError::Unavailable
}

fn sql_failed(error: sqlx::Error) -> QueueError {
    storage_failed(error.into())
}
