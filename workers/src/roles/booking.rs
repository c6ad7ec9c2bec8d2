//! The booking role: one consumer per section queue.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use goticket_contracts::amqp::{BOOKING_QUEUES, Names, booking_topology};
use goticket_platform::{
    amqp,
    health::{Readiness, checks},
    postgres, redis,
    shutdown::Shutdown,
};
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use crate::{
    Config,
    app::booking::BookingWorker,
    inbound::booking_queue::{BatchLimits, BookingQueue},
    outbound::{dead_letters::DeadLetters, seats::SeatBoard},
};

/// How often seat maps that missed a change are tried to be put right.
const HEAL_INTERVAL: Duration = Duration::from_secs(1);

/// A batch has more statements, but no batch has so many that take as long as the server lets them.
const BATCH_STATEMENTS: u32 = 3;

/// Connects, declares the queues and starts consuming.
pub(super) async fn start(config: &Config, readiness: &Readiness, shutdown: &Shutdown) -> anyhow::Result<()> {
    let settings = &config.workers.booking;
    let pool = postgres::connect(&config.postgres, postgres::Plans::ByKeys).await.context("connect to PostgreSQL")?;
    let redis = redis::connect(&config.redis).await?;
    let amqp = Arc::new(amqp::connect(&config.amqp, "goticket booking").await?);
    let names = Names::new(amqp.prefix());
    amqp::declare(&amqp.channel().await?, &booking_topology(&names)).await?;

    readiness.critical("booking_postgres", checks::postgres(pool.clone()));
    readiness.critical("booking_rabbitmq", checks::amqp(&amqp));
    readiness.critical("redis", checks::redis(redis.clone()));

    let batch_timeout = BATCH_STATEMENTS * config.postgres.statement_timeout_ms.millis();
    let board = SeatBoard::new(redis, settings.lock_ttl_ms.millis());
    let worker = BookingWorker::new(pool, board, batch_timeout, shutdown.token());
    let dead = DeadLetters::new(amqp.publisher(), &names);
    let batch_max = settings.batch_max.get();
    let limits = BatchLimits { batch_max: usize::from(batch_max), max_wait: settings.max_wait_ms.millis() };
    for n in 0..BOOKING_QUEUES {
        let consumer = amqp.consume(names.bookings_queue(n), 2 * batch_max);
        let queue = BookingQueue::new(consumer, worker.clone(), dead.clone(), limits);
        let (token, connections) = (shutdown.token(), Arc::clone(&amqp));
        shutdown.spawn(format!("booking queue {n}"), async move {
            queue.run(token).await;
            // The last acknowledgements need them until here.
            drop(connections);
        });
    }
    shutdown.spawn("booking upkeep", upkeep(worker, shutdown.token()));
    Ok(())
}

async fn upkeep(worker: BookingWorker, shutdown: CancellationToken) {
    let mut ticks = interval(HEAL_INTERVAL);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => worker.heal().await,
        }
    }
}
