//! What clients that connect to the API are given.

use goticket_platform::config::{U32In, U64In};
use goticket_platform::http::Limits;
use serde::Deserialize;

/// `[gateway.connections]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionsConfig {
    /// Open connections. At the limit those give way that ask for nothing.
    pub max: U32In<16, 1_000_000>,
    /// Of one network, a /24 of IPv4 or a /48 of IPv6; 0: as many as there are. Where proxies are trusted they are not counted.
    pub of_network_max: U32In<0, 1_000_000>,
    /// From connecting to the first byte.
    pub first_byte_ms: U64In<100, 300_000>,
    /// From the first byte of a request's head to its last.
    pub head_ms: U64In<100, 300_000>,
    /// Between requests.
    pub idle_ms: U64In<100, 3_600_000>,
    /// While a client takes nothing of what waits for it, or less than `bytes_per_s`.
    pub unread_ms: U64In<100, 300_000>,
    /// While nothing of a request's body comes, or less than `bytes_per_s`.
    pub body_ms: U64In<100, 300_000>,
    /// The least that a client takes of an answer, and brings of a body.
    pub bytes_per_s: U32In<1, 1_000_000>,
    /// Requests at a time on one HTTP/2 connection.
    pub streams_max: U32In<1, 10_000>,
    /// The head of a request.
    pub head_bytes_max: U32In<17_408, 1_048_576>,
}

impl ConnectionsConfig {
    /// For a listener; `proxied` where its peers are proxies of ours.
    pub(crate) fn limits(&self, proxied: bool) -> Limits {
        let count = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        Limits {
            connections_max: count(self.max.get()),
            of_network_max: if proxied { 0 } else { count(self.of_network_max.get()) },
            first_byte: self.first_byte_ms.millis(),
            head: self.head_ms.millis(),
            idle: self.idle_ms.millis(),
            unread: self.unread_ms.millis(),
            bytes_per_s: self.bytes_per_s.get(),
            streams_max: self.streams_max.get(),
            head_bytes_max: self.head_bytes_max.get(),
        }
    }
}
