//! Where one node of several answers.

use serde::{Deserialize, Deserializer, de::Error as _};
use url::Host;

/// `host:port`; IPv6 in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeAddress {
    /// A name or an address.
    pub host: Host,
    /// Its port.
    pub port: u16,
}

impl NodeAddress {
    fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        Some(Self { host: Host::parse(host).ok()?, port: port.parse().ok().filter(|port| *port != 0)? })
    }
}

impl<'de> Deserialize<'de> for NodeAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("expected host:port"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_a_host_and_a_port() {
        for (text, expected) in [
            ("redis-1:6379", Some("redis-1 6379")),
            ("10.0.0.1:1", Some("10.0.0.1 1")),
            ("[::1]:65535", Some("[::1] 65535")),
            ("redis-1", None),
            ("redis-1:", None),
            ("redis-1:0", None),
            ("redis-1:65536", None),
            (":6379", None),
            ("user@host:6379", None),
            ("", None),
        ] {
            let read = NodeAddress::parse(text).map(|node| format!("{} {}", node.host, node.port));
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }
}
