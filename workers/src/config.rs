//! What the workers can be told: platform's sections and their own.

use std::net::SocketAddr;

use goticket_platform::config::{
    AmqpConfig, KafkaConfig, ObjectsConfig, PostgresConfig, RedisConfig, ShutdownConfig, SmtpConfig, TelemetryConfig, U16In,
    U32In, U64In,
};
use serde::Deserialize;

use crate::{
    app::{expire_holds::ExpiryConfig, reconcile_payments::ReconcilerConfig, relay::RelayConfig, sharing::SharesConfig},
    outbound::sandbox_payments::PaymentsConfig,
};

/// Everything the workers read of the configuration.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// Logs.
    pub telemetry: TelemetryConfig,
    /// Draining.
    pub shutdown: ShutdownConfig,
    /// The database.
    pub postgres: PostgresConfig,
    /// Seat maps, locks, replies.
    pub redis: RedisConfig,
    /// Commands and tasks.
    pub amqp: AmqpConfig,
    /// Domain events.
    pub kafka: KafkaConfig,
    /// The mail server.
    pub smtp: SmtpConfig,
    /// Where ticket PDFs lie.
    pub objects: ObjectsConfig,
    /// The payment provider.
    pub payments: PaymentsConfig,
    /// The workers themselves.
    pub workers: WorkersConfig,
}

/// `[workers]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkersConfig {
    /// `address:port` of the health endpoints and metrics of a process with worker roles; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Sharing lanes with other processes.
    pub lanes: SharesConfig,
    /// Deciding bookings.
    pub booking: BookingConfig,
    /// Ending holds.
    pub expiry: ExpiryConfig,
    /// Publishing the outbox.
    pub relay: RelayConfig,
    /// Making tasks of domain events, and those that were lost again.
    pub notifier: NotifierConfig,
    /// Printing and mailing tickets.
    pub tasks: TasksConfig,
    /// Asking the payment provider.
    pub payments: ReconcilerConfig,
}

/// `[workers.booking]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookingConfig {
    /// Most commands in one transaction. Beyond some hundreds a batch holds its locks for longer than it saves.
    pub batch_max: U16In<1, 500>,
    /// How long a batch waits for more after its first command.
    pub max_wait_ms: U64In<0, 1_000>,
    /// Batches of this process in work at a time, each on a connection of its own; the other lanes gather meanwhile.
    pub in_work_max: U16In<1, 64>,
    /// Seats of the events that a lane keeps in memory, some 100 bytes each when they are taken; the event in hand stays however many it
    /// has.
    pub seats_in_memory_max: U32In<1, 100_000_000>,
    /// How long a seat's lock in Redis lives: longer than a batch takes, shorter than a fan's patience.
    pub lock_ttl_ms: U64In<100, 60_000>,
}

/// `[workers.notifier]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotifierConfig {
    /// Domain events dealt with together.
    pub batch_max: U16In<1, 5_000>,
    /// How long a batch waits for more of them.
    pub linger_ms: U64In<0, 1_000>,
    /// Pause between two looks for lost tasks.
    pub sweep_pause_ms: U64In<100, 600_000>,
    /// Lost tasks published again per look. With the pause it bounds how fast copies of tasks that only wait make their queue longer.
    pub sweep_batch_max: U32In<1, 10_000>,
    /// An unfinished notification that no one has touched for so long has lost its task. The range begins above the longest pause
    /// between two tries of a task, a minute: one that is tried again and again is not lost.
    pub stale_after_s: U64In<120, 86_400>,
}

/// `[workers.tasks]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TasksConfig {
    /// Bookings being printed at a time: CPU work.
    pub pdf_at_once: U16In<1, 64>,
    /// Mails being sent at a time: waiting for the mail server.
    pub mail_at_once: U16In<1, 256>,
    /// A task that failed so often is given up; the first few attempts take a minute and a half, each further one a minute.
    pub attempts_max: U32In<1, 100_000>,
}
