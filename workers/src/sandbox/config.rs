//! The `[sandbox]` section.

use std::net::SocketAddr;

use goticket_platform::config::{U32In, U64In};
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

/// `[sandbox]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SandboxConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// How browsers reach it: the beginning of every `pay_url`.
    pub public_url: Url,
    /// What merchants present as bearer token.
    pub api_key: SecretString,
    /// Signs webhooks.
    pub webhook_secret: SecretString,
    /// The secret before the last change: while it is set, webhooks carry a second signature made with it.
    #[serde(default)]
    pub webhook_secret_previous: Option<SecretString>,
    /// Payments kept in memory, about a kilobyte each; at the bound a new one is answered 503.
    pub payments_max: U32In<1, 10_000_000>,
    /// Webhooks being spoken at a time.
    pub webhook_concurrency: U32In<1, 1_000>,
    /// Webhooks waiting or being spoken. At the bound nobody can pay (503): a payment whose webhook has no place to wait is
    /// not taken.
    pub webhook_queue: U32In<1, 1_000_000>,
    /// How long a receiver may take to answer.
    pub webhook_timeout_ms: U64In<10, 60_000>,
    /// The first pause after a failed delivery; each further one is twice as long, give or take a fifth.
    pub webhook_first_retry_ms: U64In<1, 60_000>,
    /// The longest pause.
    pub webhook_retry_max_ms: U64In<1, 600_000>,
    /// After this a webhook is given up; a receiver that was away for less gets it.
    pub webhook_give_up_s: U64In<1, 86_400>,
    /// How late the late card's webhook is.
    pub late_webhook_ms: U64In<0, 3_600_000>,
    /// How long a request may take.
    pub request_timeout_ms: U64In<10, 60_000>,
}
