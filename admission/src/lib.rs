//! The waiting room: who waits where, whose turn it is, and the proof that both were fair.
//!
//! Not here: the rules themselves (`goticket_domain::queue`), SQL (`goticket_storage::rooms`), the forms of tickets and tokens
//! (`goticket_tokens`), HTTP (the gateway's).
//!
//! A room's line is a log in Postgres: joins, leaves, claims and admissions in the order in which they were written. Redis holds the
//! line that follows from it, and is filled from the log wherever it is behind. Any number of replicas serve the same rooms; each room is
//! ticked by one of them, its owner.
//!
//! Invariants:
//! * what a fan or an operator was told is in the log: Redis may forget or go back, and no one is lost, moved, doubled or admitted
//!   twice (`app/room_log.rs`);
//! * one account has one place per event, whatever the number of tabs, devices and replicas (`app/join.rs`);
//! * over every stretch of t minutes at most `burst + rate · t` fans are admitted, and never more are inside than the cap, across
//!   crashes of replicas, losses of Redis and clocks that jump (`app/tick.rs`, `app/clock.rs`); in a shadow room these are the
//!   installation's own limits;
//! * while admissions cannot be written down, no one is admitted;
//! * an owner that was replaced writes nothing, and no board is shown after a newer one (`app/ownership.rs`, `app/publication.rs`);
//! * the draw happens once, doing it again gives the same order, and no one who operates the room can choose it (`app/draw`).

pub mod app;
mod config;
mod inbound;
pub mod outbound;

use std::sync::Arc;

use anyhow::Context as _;
use goticket_platform::health::{Readiness, checks};
use goticket_platform::shutdown::Shutdown;
use goticket_platform::{health, http, metrics, postgres, redis};
use goticket_tokens::keys::KeyFolder;

use outbound::beacon::Beacon;

pub use app::tell::tell;
pub use app::{Deps, WaitingRoomService};
pub use config::{AdmissionConfig, BeaconConfig, Config, SecretError};
pub use inbound::bookings::{follow_bookings, subscribe as subscribe_to_bookings};
pub use inbound::grpc::router as grpc_router;

/// Connects to the stores and reads the keys.
pub async fn connect(config: &Config) -> anyhow::Result<Deps> {
    let folder = KeyFolder::at(&config.keys.dir);
    Ok(Deps {
        pool: postgres::connect(&config.postgres, postgres::Plans::ByKeys).await.context("connect to PostgreSQL")?,
        redis: redis::connect(&config.redis).await.context("connect to Redis")?,
        place_keys: folder.place()?,
        entry_signer: folder.entry_signer()?,
        receipts: folder.receipts()?,
        beacon: config.admission.beacon.as_ref().map(Beacon::new).transpose().context("the beacon's client")?,
    })
}

/// Starts the waiting room inside this process: the port to call, with the ticks running until the shutdown.
pub fn start(config: &AdmissionConfig, deps: Deps, shutdown: &Shutdown) -> Arc<WaitingRoomService> {
    let service = Arc::new(WaitingRoomService::new(config, deps));
    app::spawn_loops(&service, config.tick_ms.millis(), shutdown);
    service
}

/// Runs the waiting room as a process of its own: gRPC, with health and metrics on the same port, until the shutdown.
pub async fn run(config: Config, shutdown: Shutdown) -> anyhow::Result<()> {
    let secret = config.admission.serving_secret()?.clone();
    let deps = connect(&config).await?;
    let readiness = Readiness::new();
    readiness.critical("postgres", checks::postgres(deps.pool.clone()));
    readiness.critical("redis", checks::redis(deps.redis.clone()));
    readiness.critical("serving", checks::not_draining(shutdown.token()));
    let metrics = metrics::install()?;
    let listener = tokio::net::TcpListener::bind(config.admission.listen)
        .await
        .with_context(|| format!("listen on `admission.listen` = {}", config.admission.listen))?;
    let service = start(&config.admission, deps, &shutdown);
    tell(&service, config.kafka.clone(), &shutdown);
    follow_bookings(&service, config.kafka.clone(), &shutdown);
    let router = grpc_router(service, &secret, shutdown.token()).merge(health::router(readiness, metrics));
    tracing::info!(listen = %listener.local_addr()?, "the waiting room answers");
    let drain = config.shutdown.drain_ms.millis();
    let token = shutdown.token();
    shutdown.spawn_fallible("waiting room server", http::serve(listener, router, token.clone(), drain));
    token.cancelled().await;
    shutdown.drain(drain + std::time::Duration::from_secs(1)).await.map_err(Into::into)
}
