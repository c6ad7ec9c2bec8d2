//! What the workers can be told: platform's sections and their own.

use goticket_platform::config::{AmqpConfig, PostgresConfig, RedisConfig, ShutdownConfig, TelemetryConfig, U16In, U64In};
use serde::Deserialize;

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
    /// The workers themselves.
    pub workers: WorkersConfig,
}

/// `[workers]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkersConfig {
    /// Deciding bookings.
    pub booking: BookingConfig,
}

/// `[workers.booking]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookingConfig {
    /// Most commands in one transaction. Beyond some hundreds a batch holds its locks for longer than it saves.
    pub batch_max: U16In<1, 500>,
    /// How long a batch waits for more after its first command.
    pub max_wait_ms: U64In<0, 1_000>,
    /// How long a seat's lock in Redis lives: longer than a batch takes, shorter than a fan's patience.
    pub lock_ttl_ms: U64In<100, 60_000>,
}
