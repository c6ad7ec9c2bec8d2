//! What the gateway can be told: platform's sections and its own.

mod browsers;
mod connections;

use goticket_platform::config::{
    AmqpConfig, DeploymentConfig, KeysConfig, ObjectsConfig, PostgresConfig, RedisConfig, ShutdownConfig, TelemetryConfig, U32In,
    U64In,
};
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

pub(crate) use self::browsers::ReturnAddresses;
pub use self::browsers::{ReturnHost, WebOrigin};
pub use self::connections::ConnectionsConfig;

/// Everything the gateway reads of the configuration.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// Logs.
    pub telemetry: TelemetryConfig,
    /// What the installation is for.
    pub deployment: DeploymentConfig,
    /// Draining.
    pub shutdown: ShutdownConfig,
    /// The database.
    pub postgres: PostgresConfig,
    /// Seat maps, refresh tokens, replies.
    pub redis: RedisConfig,
    /// Commands.
    pub amqp: AmqpConfig,
    /// Where keys lie.
    pub keys: KeysConfig,
    /// Where ticket PDFs lie.
    pub objects: ObjectsConfig,
    /// The payment provider.
    pub payments: PaymentsConfig,
    /// The gateway itself.
    pub gateway: GatewayConfig,
}

/// `[payments]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentsConfig {
    /// Where the provider's API answers.
    pub url: Url,
    /// What we show the provider.
    pub api_key: SecretString,
    /// What the provider signs webhooks with; several separated by commas while it is rotated.
    pub webhook_secret: SecretString,
    /// One request to the provider.
    pub timeout_ms: U64In<100, 60_000>,
}

/// Which header says whom a proxy forwards. The other one is whatever its sender likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedBy {
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// `[gateway]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayConfig {
    /// `address:port` of the API; port 0 takes any free one.
    pub listen: std::net::SocketAddr,
    /// The same of what is not for the public: readiness, metrics, documentation.
    pub private_listen: std::net::SocketAddr,
    /// How the payment provider reaches us; the listening address if it is left out.
    #[serde(default)]
    pub public_url: Option<Url>,
    /// The page that the links of verification mails lead to; the gateway's own if it is left out. The link's proof stands behind a `#`.
    #[serde(default)]
    pub verify_page: Option<Url>,
    /// Likewise for the links by which passwords are set.
    #[serde(default)]
    pub reset_page: Option<Url>,
    /// Where admission's gRPC answers.
    pub admission_url: Url,
    /// What we show there: `admission.grpc_secret` of the other side.
    #[serde(default)]
    pub admission_secret: Option<SecretString>,
    /// bcrypt's cost: each step doubles the work of a log-in.
    pub bcrypt_cost: U32In<12, 16>,
    /// Hashes computed at once; 0: one less than there are cores.
    pub password_workers: U32In<0, 256>,
    /// Log-ins that wait for a worker. A network has 16 of them at most.
    pub password_queue_max: U32In<1, 10_000>,
    /// Life of an access token.
    pub access_ttl_s: U64In<60, 86_400>,
    /// Life of a refresh token; using it begins another one.
    pub refresh_ttl_s: U64In<300, 31_536_000>,
    /// Requests in work, without those of `waiting_max`.
    pub requests_max: U32In<1, 1_000_000>,
    /// Requests in work that may wait for an outcome: bookings and cancellations.
    pub waiting_max: U32In<1, 1_000_000>,
    /// Requests for seats of one account that are not decided; the next one gets 429.
    pub undecided_max: U32In<1, 1_000>,
    /// Refused requests for seats of one account within a minute; the next request gets 429.
    pub refusals_per_min: U32In<1, 1_000_000>,
    /// Events whose seat maps are followed at once; the streams of one more get 503.
    pub followed_events_max: U32In<1, 4_096>,
    /// Time to answer, without a booking's wait.
    pub request_timeout_ms: U64In<100, 120_000>,
    /// Attempts to register, log in or refresh, per client address and minute; 0: no limit.
    pub auth_per_min: U32In<0, 1_000_000>,
    /// Attempts at once within that.
    pub auth_burst: U32In<1, 1_000_000>,
    /// Joins of waiting rooms, per client network and minute; 0: no limit.
    pub joins_per_min: U32In<0, 10_000_000>,
    /// Joins at once within that.
    pub joins_burst: U32In<1, 10_000_000>,
    /// Proxies before us that say whom they forward.
    pub trusted_proxies: U32In<0, 10>,
    /// Where they say it.
    pub forwarded_by: ForwardedBy,
    /// Whose pages may call the API from browsers.
    pub cors_origins: Vec<WebOrigin>,
    /// Where payment pages may send fans.
    pub return_hosts: Vec<ReturnHost>,
    /// What clients that connect are given.
    pub connections: ConnectionsConfig,
}
