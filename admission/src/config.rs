//! What the waiting room can be told: platform's sections and its own.

use std::net::SocketAddr;

use goticket_draw::BeaconKey;
use goticket_platform::config::{
    KafkaConfig, KeysConfig, PostgresConfig, RedisConfig, ShutdownConfig, TelemetryConfig, U32In, U64In,
};
use secrecy::SecretString;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use url::Url;

/// Everything a waiting room of its own reads of the configuration.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// Logs.
    pub telemetry: TelemetryConfig,
    /// Draining.
    pub shutdown: ShutdownConfig,
    /// What is durable.
    pub postgres: PostgresConfig,
    /// The line.
    pub redis: RedisConfig,
    /// Where what happens is told.
    pub kafka: KafkaConfig,
    /// Where keys lie.
    pub keys: KeysConfig,
    /// The waiting room itself.
    pub admission: AdmissionConfig,
}

/// `[admission]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdmissionConfig {
    /// `address:port` of gRPC and of the health endpoints; port 0 takes any free one. Not used inside the monolith.
    pub listen: SocketAddr,
    /// What callers of the gRPC show. Not used inside the monolith.
    #[serde(default)]
    pub grpc_secret: Option<SecretString>,
    /// Between two ticks of a replica.
    pub tick_ms: U64In<20, 5_000>,
    /// Longest line; the next fan is refused. Ten million places take about 1.5 GB in Redis.
    pub max_line: U32In<1, 50_000_000>,
    /// An unchanged board is published again after this; gateways take one that is older than 10 s for a silent waiting room.
    pub board_every_ms: U64In<100, 5_000>,
    /// How long an entry token buys; whoever leaves keeps their slot for so long. A fan goes on by claiming again.
    pub entry_token_s: U32In<20, 600>,
    /// The rooms of a replica that was not heard of for so long are taken over by the others. It is heard of four times as often.
    pub lease_ms: U64In<400, 600_000>,
    /// The public randomness of draws. Without it the order follows from a secret of ours alone, and boards say so.
    #[serde(default)]
    pub beacon: Option<BeaconConfig>,
}

/// `[admission.beacon]`: a drand chain of the scheme `bls-unchained-g1-rfc9380`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeaconConfig {
    /// Where its rounds are read, the first that answers: `{relay}/{chain}/public/{round}`. Separated by commas.
    #[serde(deserialize_with = "urls")]
    pub relays: Vec<Url>,
    /// Its hash.
    pub chain: String,
    /// Its public key, hexadecimal.
    #[serde(deserialize_with = "beacon_key")]
    pub public_key: BeaconKey,
    /// When round 1 came, Unix seconds.
    pub genesis_s: U64In<0, 4_102_444_800>,
    /// Between two rounds.
    pub period_s: U32In<1, 3_600>,
    /// From the lobby's closing to the round that decides: the time in which the list is public and the order unknown.
    pub margin_s: U32In<2, 3_600>,
}

fn urls<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Url>, D::Error> {
    let text = String::deserialize(d)?;
    text.split(',')
        .map(|url| Url::parse(url.trim()).map_err(|_| D::Error::custom("expected addresses, separated by commas")))
        .collect()
}

fn beacon_key<'de, D: Deserializer<'de>>(d: D) -> Result<BeaconKey, D::Error> {
    let text = String::deserialize(d)?;
    BeaconKey::from_hex(&text).ok_or_else(|| D::Error::custom("expected 96 bytes in hexadecimal"))
}

/// Shortest secret that is accepted: 128 bits in hexadecimal.
const SECRET_CHARS_MIN: usize = 32;

/// gRPC cannot be served with this configuration.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SecretError {
    /// It is not there.
    #[error("`admission.grpc_secret` (GOTICKET__ADMISSION__GRPC_SECRET) is missing: serving gRPC needs it")]
    Missing,
    /// It could be guessed.
    #[error("`admission.grpc_secret` (GOTICKET__ADMISSION__GRPC_SECRET) must have at least {SECRET_CHARS_MIN} characters")]
    TooShort,
}

impl AdmissionConfig {
    /// The secret that gRPC is served with.
    pub fn serving_secret(&self) -> Result<&SecretString, SecretError> {
        use secrecy::ExposeSecret as _;
        let secret = self.grpc_secret.as_ref().ok_or(SecretError::Missing)?;
        if secret.expose_secret().len() < SECRET_CHARS_MIN { Err(SecretError::TooShort) } else { Ok(secret) }
    }
}
