//! The sections this crate knows how to serve. Services compose them with their own.

use std::path::PathBuf;

use secrecy::SecretString;
use serde::Deserialize;

use super::{
    node_address::NodeAddress,
    ranged::{U16In, U32In, U64In},
    secret,
};

/// `[telemetry]`: what is logged, and how.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetryConfig {
    /// For people or for machines.
    pub format: TelemetryFormat,
    /// Filter in tracing-subscriber's syntax, e.g. `info,goticket_workers=debug`.
    pub filter: String,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TelemetryFormat {
    /// Coloured text.
    Pretty,
    /// One JSON object per line, with the fields of all spans around it.
    Json,
}

/// `[deployment]`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeploymentConfig {
    /// What it is for.
    pub environment: Environment,
}

/// What an installation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Real sales.
    Production,
    /// Demos, tests, and whoever builds on it: what is convenient is on.
    Development,
}

/// `[shutdown]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShutdownConfig {
    /// How long work in flight may take after SIGTERM.
    pub drain_ms: U64In<100, 300_000>,
}

/// `[postgres]`: one pool, every time-out set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresConfig {
    /// `postgres://user:password@host:port/database`
    #[serde(deserialize_with = "secret::postgres_url")]
    pub url: SecretString,
    /// Connections of this process's pool.
    pub max_connections: U32In<1, 500>,
    /// How long a caller waits for a connection, including the making of a new one.
    pub acquire_timeout_ms: U64In<50, 60_000>,
    /// The server ends a statement after this.
    pub statement_timeout_ms: U64In<50, 600_000>,
    /// The server ends a wait for a lock after this.
    pub lock_timeout_ms: U64In<10, 60_000>,
    /// The server ends a session that sits in a transaction for this long: it would keep its locks.
    pub idle_in_transaction_timeout_ms: U64In<100, 600_000>,
}

/// `[lanes]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanesConfig {
    /// Lanes of a new installation. `goticket migrate` makes them once; afterwards their number is what the database says.
    pub count: U16In<1, 1_024>,
}

/// `[redis]`: one multiplexed connection to each node, bounded in flight.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisConfig {
    /// `redis://:password@host:port/database`
    #[serde(deserialize_with = "secret::redis_url")]
    pub url: SecretString,
    /// Where Redis is a cluster: nodes of it, some beside the one of `url`, which say where the others are. None: it is a single server.
    pub cluster_nodes: Vec<NodeAddress>,
    /// Stands before every key and channel.
    pub prefix: String,
    /// A request that has no answer after this has failed, wherever it got stuck.
    pub response_timeout_ms: U64In<50, 60_000>,
    /// One attempt to connect.
    pub connect_timeout_ms: U64In<50, 60_000>,
    /// Requests in flight; the next one waits for its turn, within its time-out.
    pub max_in_flight: U32In<1, 10_000>,
}

/// `[amqp]`: one connection to publish on, one to consume on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AmqpConfig {
    /// `amqp://user:password@host:port/vhost`
    #[serde(deserialize_with = "secret::amqp_url")]
    pub url: SecretString,
    /// Stands before every exchange and queue.
    pub prefix: String,
    /// After two silent heartbeats a connection is given up.
    pub heartbeat_s: U16In<1, 60>,
    /// One attempt to connect.
    pub connect_timeout_ms: U64In<100, 60_000>,
    /// A publish that is not confirmed after this has an unknown outcome.
    pub confirm_timeout_ms: U64In<50, 60_000>,
    /// Publishes that wait for their confirm.
    pub max_in_flight: U32In<1, 60_000>,
}

/// `[kafka]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaConfig {
    /// `host:port`, several separated by commas.
    pub brokers: String,
    /// Stands before every topic and group.
    pub topic_prefix: String,
    /// How long the producer tries to deliver one message before it reports a failure.
    pub message_timeout_ms: U64In<1_000, 300_000>,
    /// One request to a broker.
    pub request_timeout_ms: U64In<500, 60_000>,
    /// A consumer that is silent for this long loses its partitions.
    pub session_timeout_ms: U64In<6_000, 300_000>,
    /// How long a batch may wait for more messages.
    pub linger_ms: U64In<0, 1_000>,
    /// Messages in the producer's queue; the next one is refused.
    pub queue_max_messages: U32In<1, 1_000_000>,
    /// Their size altogether.
    pub queue_max_kbytes: U32In<64, 1_048_576>,
}

/// `[smtp]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpConfig {
    /// The mail server.
    pub host: String,
    /// Its port.
    pub port: U16In<1, 65_535>,
    /// How the connection is secured.
    pub tls: SmtpTls,
    /// Login, together with `password`.
    #[serde(default)]
    pub username: Option<String>,
    /// Login, together with `username`.
    #[serde(default)]
    pub password: Option<SecretString>,
    /// The sender's mailbox, `Name <address>`.
    pub from: String,
    /// One conversation with the server.
    pub timeout_ms: U64In<100, 120_000>,
}

/// How the connection to the mail server is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// Not at all: for a server on the same machine.
    None,
    /// Plain at first, then upgraded; refused when the server cannot.
    StartTls,
    /// TLS from the first byte.
    Implicit,
}

/// `[keys]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysConfig {
    /// The folder of signing and verifying keys.
    pub dir: PathBuf,
}

/// `[objects]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectsConfig {
    /// The folder of ticket PDFs; made when missing.
    pub dir: PathBuf,
}
