//! The booking role: a share of the lanes, each with an owner and a consumer of its queues.

mod healths;
mod lanes;

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use goticket_contracts::amqp::{Names, booking_topology};
use goticket_platform::{
    amqp,
    health::{Readiness, checks},
    postgres::{self, Plans},
    redis,
    shutdown::Shutdown,
};
use goticket_storage::{
    bookings::purge::{Purged, purge},
    leases::{Role, Shares},
    sessions,
};
use sqlx::PgPool;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use self::{
    healths::Healths,
    lanes::{Lanes, Parts},
};
use crate::{
    Config,
    app::booking::Deciding,
    inbound::lane_queues::BatchLimits,
    outbound::{dead_letters::DeadLetters, seats::SeatBoard},
};

/// Between two looks for what is old enough to be forgotten.
const PURGE_PAUSE: Duration = Duration::from_mins(10);

/// Connects, declares the queues, and takes lanes.
pub(super) async fn start(config: &Config, readiness: &Readiness, shutdown: &Shutdown) -> anyhow::Result<()> {
    let settings = &config.workers.booking;
    let pool = postgres::connect(&config.postgres, Plans::ByKeys).await.context("connect to PostgreSQL")?;
    let redis = redis::connect(&config.redis).await?;
    let amqp = Arc::new(amqp::connect(&config.amqp, "goticket booking").await?);
    let names = Names::new(amqp.prefix());
    let count = goticket_storage::lanes::count(&pool).await.context("read how many lanes there are")?;
    amqp.declare(&booking_topology(&names, count)).await?;

    readiness.critical("booking_postgres", checks::postgres(pool.clone()));
    readiness.critical("booking_rabbitmq", checks::amqp(&amqp));
    readiness.critical("redis", checks::redis(redis.clone()));

    let deciding = Deciding::new(
        pool.clone(),
        SeatBoard::new(redis.clone(), settings.lock_ttl_ms.millis()),
        config.postgres.statement_timeout_ms.millis(),
        usize::try_from(settings.seats_in_memory_max.get()).unwrap_or(usize::MAX),
        shutdown.token(),
    );
    let healths = Healths::default();
    shutdown.spawn("lanes' health", healths.clone().run(redis, Arc::clone(&amqp), shutdown.token()));
    let parts = Parts {
        deciding,
        dead: DeadLetters::new(amqp.publisher(), &names),
        amqp,
        names,
        limits: BatchLimits { batch_max: settings.batch_max.get(), max_wait: settings.max_wait_ms.millis() },
        healths,
        in_work_max: usize::from(settings.in_work_max.get()),
    };
    let shares = Shares::new(pool.clone(), Role::Booking, config.workers.lanes.lease_ms.millis());
    shutdown.spawn("lanes", Lanes::new(parts, shares, config.workers.lanes.tick_ms.millis()).run(shutdown.token()));
    shutdown.spawn("purge", forget_old(pool, shutdown.token()));
    Ok(())
}

async fn forget_old(pool: PgPool, stop: CancellationToken) {
    while stop.run_until_cancelled(sleep(PURGE_PAUSE)).await.is_some() {
        match purge(&pool).await {
            Ok(purged) if purged == Purged::default() => {}
            Ok(purged) => tracing::info!(refusals = purged.refusals, webhooks = purged.webhooks, "old rows forgotten"),
            Err(error) => tracing::warn!(%error, "old rows could not be forgotten"),
        }
        match sessions::forget(&pool).await {
            Ok(0) => {}
            Ok(sessions) => tracing::info!(sessions, "old sessions forgotten"),
            Err(error) => tracing::warn!(%error, "old sessions could not be forgotten"),
        }
    }
}
