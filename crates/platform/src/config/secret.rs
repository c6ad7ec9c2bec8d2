//! Which settings are secret, and how a secret is read.

use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de::Error};

/// Parts of a setting's last name that make it secret. Rather one value too few in an error message than one too many.
const SECRET_PARTS: [&str; 7] = ["url", "password", "secret", "token", "key", "seed", "pem"];

pub(super) fn is_secret(path: &str) -> bool {
    let name = path.rsplit('.').next().unwrap_or(path);
    SECRET_PARTS.iter().any(|part| name.contains(part))
}

pub(super) fn postgres_url<'de, D: Deserializer<'de>>(input: D) -> Result<SecretString, D::Error> {
    url(input, &["postgres", "postgresql"], ", expected postgres://user:password@host:port/database")
}

pub(super) fn redis_url<'de, D: Deserializer<'de>>(input: D) -> Result<SecretString, D::Error> {
    url(input, &["redis", "rediss"], ", expected redis://:password@host:port/database or rediss://…")
}

pub(super) fn amqp_url<'de, D: Deserializer<'de>>(input: D) -> Result<SecretString, D::Error> {
    url(input, &["amqp", "amqps"], ", expected amqp://user:password@host:port/vhost or amqps://…")
}

/// The messages begin with ", expected": that is the part shown of a complaint about a secret.
fn url<'de, D: Deserializer<'de>>(input: D, schemes: &[&str], expected: &'static str) -> Result<SecretString, D::Error> {
    let text = String::deserialize(input).map_err(|_| D::Error::custom(expected))?;
    let right = url::Url::parse(&text).is_ok_and(|url| schemes.contains(&url.scheme()));
    if right { Ok(text.into()) } else { Err(D::Error::custom(expected)) }
}
