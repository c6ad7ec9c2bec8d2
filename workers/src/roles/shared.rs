//! What all roles but booking share in one process: a pool and RabbitMQ. The booking role has its own of both, so that nothing else
//! takes its connections.

use std::sync::Arc;

use anyhow::Context as _;
use goticket_contracts::amqp::{Names, booking_topology, task_topology};
use goticket_platform::{
    amqp::{self, Amqp},
    health::{Readiness, checks},
    postgres::{self, Plans},
};
use goticket_storage::lanes;
use sqlx::PgPool;

use crate::{
    Config,
    outbound::{command_queue::CommandQueue, object_folder::ObjectFolder, task_exchange::TaskExchange},
};

/// Connections of one process.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) pool: PgPool,
    pub(super) amqp: Arc<Amqp>,
    pub(super) commands: CommandQueue,
    pub(super) tasks: TaskExchange,
    pub(super) folder: ObjectFolder,
}

impl Shared {
    /// Connects, and declares every queue that anything here publishes to.
    pub(super) async fn connect(config: &Config, readiness: &Readiness) -> anyhow::Result<Self> {
        let pool = postgres::connect(&config.postgres, Plans::ByKeys).await.context("connect to PostgreSQL")?;
        let amqp = amqp::connect(&config.amqp, "goticket workers").await?;
        let names = Names::new(amqp.prefix());
        let lanes = lanes::count(&pool).await.context("read how many lanes there are")?;
        amqp.declare(&booking_topology(&names, lanes)).await?;
        amqp.declare(&task_topology(&names)).await?;
        readiness.critical("postgres", checks::postgres(pool.clone()));
        readiness.critical("rabbitmq", checks::amqp(&amqp));
        Ok(Self {
            pool,
            commands: CommandQueue::new(amqp.publisher(), &names, lanes),
            tasks: TaskExchange::new(amqp.publisher(), names),
            folder: ObjectFolder::new(&config.objects.dir),
            amqp: Arc::new(amqp),
        })
    }
}
