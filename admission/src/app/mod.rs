//! What a waiting room does, one use case per file.

mod boards;
mod claim;
mod clock;
mod control;
mod draw;
mod group_commit;
mod join;
mod leave;
pub mod log_chain;
mod pace;
mod place;
mod room_log;
mod rooms;
mod schedule;
mod set_control;
mod tick;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use goticket_domain::queue::{
    Board, Claimed, ClaimedPlace, ControlChange, JoinedPlace, LogEntry, PlaceId, PlaceTicket, QueueError, RoomControl,
    WaitingRoom,
};
use goticket_domain::{AccountId, EventId};
use goticket_platform::redis::Redis;
use goticket_platform::shutdown::Shutdown;
use goticket_storage::StorageError;
use goticket_tokens::{EntrySigner, PlaceKeys};
use sqlx::PgPool;
use tokio::time::MissedTickBehavior;

use crate::config::AdmissionConfig;
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
}

/// The waiting room itself: the port's in-process adapter, and what gRPC serves. What fans are told is by the database's clock (`clock.rs`).
pub struct WaitingRoomService {
    pool: PgPool,
    lines: Lines,
    place_keys: PlaceKeys,
    entry_signer: EntrySigner,
    max_line: u32,
    rooms: rooms::Rooms,
    boards: boards::Boards,
    /// The rooms could not be read the last time.
    blind: std::sync::atomic::AtomicBool,
}

impl WaitingRoomService {
    /// A waiting room that does nothing by itself; see [`crate::start`].
    pub fn new(config: &AdmissionConfig, deps: Deps) -> Self {
        let lines = Lines::new(deps.redis);
        Self {
            rooms: rooms::Rooms::new(deps.pool.clone(), lines.clone()),
            pool: deps.pool,
            lines,
            place_keys: deps.place_keys,
            entry_signer: deps.entry_signer,
            max_line: config.max_line.get(),
            boards: boards::Boards::new(config.board_every_ms.millis()),
            blind: std::sync::atomic::AtomicBool::new(false),
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
    async fn join(&self, event: EventId, account: AccountId) -> Result<JoinedPlace, QueueError> {
        self.take_place(event, account).await
    }

    async fn place(&self, event: EventId, account: AccountId, signed_ticket: &str) -> Result<ClaimedPlace, QueueError> {
        self.find_place(event, account, signed_ticket).await
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

    async fn log(&self, event: EventId, limit: u32) -> Result<Vec<LogEntry>, QueueError> {
        self.read_log(event, limit).await
    }

    async fn watch(&self) -> Result<BoxStream<'static, Board>, QueueError> {
        Ok(self.boards.watch())
    }
}

/// Ticks until the shutdown: admission and schedule apart, so that a long draw holds up nobody else's room.
pub(crate) fn spawn_ticks(service: &Arc<WaitingRoomService>, every: Duration, shutdown: &Shutdown) {
    let (token, service_) = (shutdown.token(), Arc::clone(service));
    shutdown.spawn(
        "admission ticks",
        repeat(every, token.clone(), move || {
            let service = Arc::clone(&service_);
            async move {
                service.refresh_rooms().await;
                service.admit_all().await;
            }
        }),
    );
    let service_ = Arc::clone(service);
    shutdown.spawn(
        "waiting room schedule",
        repeat(every, token, move || {
            let service = Arc::clone(&service_);
            async move { service.keep_schedule().await }
        }),
    );
}

/// Runs `step` again and again; a step that was begun is finished.
async fn repeat<F: Future<Output = ()>>(every: Duration, end: tokio_util::sync::CancellationToken, step: impl Fn() -> F) {
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
