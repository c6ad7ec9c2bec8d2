//! Configuration: embedded defaults < one TOML file < environment, refused at start when anything in it is wrong.
//!
//! ```
//! use goticket_platform::config::{self, RedisConfig};
//!
//! /// A service's configuration names the sections it needs; the file's other sections are none of its business.
//! #[derive(serde::Deserialize)]
//! struct Config {
//!     redis: RedisConfig,
//! }
//!
//! let env = [("GOTICKET__REDIS__URL".to_owned(), "redis://localhost".to_owned())];
//! let config: Config = config::load_from(None, env)?;
//! assert_eq!(config.redis.prefix, "goticket:");
//! # Ok::<(), config::ConfigError>(())
//! ```
//!
//! Sections are structs with `#[serde(deny_unknown_fields)]`; numbers are [`U16In`], [`U32In`] or [`U64In`], whose error says
//! the allowed range; secrets are [`secrecy::SecretString`] without a default.

mod error;
mod layers;
mod node_address;
mod ranged;
mod secret;
mod sections;

use std::path::Path;

use serde::de::DeserializeOwned;

pub use error::{ConfigError, Problem};
pub use node_address::NodeAddress;
pub use ranged::{U16In, U32In, U64In};
pub use sections::{
    AmqpConfig, DeploymentConfig, Environment, KafkaConfig, KeysConfig, LanesConfig, ObjectsConfig, PostgresConfig, RedisConfig,
    ShutdownConfig, SmtpConfig, SmtpTls, TelemetryConfig, TelemetryFormat,
};

/// Reads the configuration from the embedded defaults, `file` and this process's environment.
pub fn load<T: DeserializeOwned>(file: Option<&Path>) -> Result<T, ConfigError> {
    let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    load_from(file, std::env::vars_os().map(|(name, value)| (lossy(name), lossy(value))))
}

/// Like [`load`], with the environment passed in: for tests, and for tools that build a configuration for a child process.
pub fn load_from<T, E>(file: Option<&Path>, env: E) -> Result<T, ConfigError>
where
    T: DeserializeOwned,
    E: IntoIterator<Item = (String, String)>,
{
    let layers = layers::Layers::read(file, env)?;
    layers.parse()
}
