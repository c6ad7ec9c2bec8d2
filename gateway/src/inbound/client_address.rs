//! Where a request comes from.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

use crate::config::GatewayConfig;

/// Tells clients by their addresses.
pub(crate) struct ClientAddresses {
    trusted_proxies: usize,
}

impl ClientAddresses {
    pub(crate) fn new(config: &GatewayConfig) -> Self {
        Self { trusted_proxies: usize::try_from(config.trusted_proxies.get()).unwrap_or(0) }
    }

    /// The address a request comes from; one for all addresses that one customer can choose among.
    pub(crate) fn network(&self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        network(client(peer, headers, self.trusted_proxies))
    }
}

/// One IPv6 customer has a whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// The client's address: what the outermost trusted proxy saw. Everything further left in the header anybody can have written.
fn client(peer: SocketAddr, headers: &HeaderMap, trusted_proxies: usize) -> IpAddr {
    let forwarded = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<IpAddr> = forwarded.flat_map(|value| value.split(',')).filter_map(|hop| hop.trim().parse().ok()).collect();
    match trusted_proxies {
        0 => peer.ip(),
        trusted => hops.len().checked_sub(trusted).and_then(|index| hops.get(index)).copied().unwrap_or(peer.ip()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn only_what_trusted_proxies_wrote_is_believed() {
        let peer: SocketAddr = "10.0.0.1:5".parse().unwrap();
        let rows = [
            (0, "1.1.1.1, 2.2.2.2", "10.0.0.1"),
            (1, "1.1.1.1, 2.2.2.2", "2.2.2.2"),
            (2, "1.1.1.1, 2.2.2.2", "1.1.1.1"),
            (3, "1.1.1.1, 2.2.2.2", "10.0.0.1"),
            (1, "nonsense", "10.0.0.1"),
        ];
        for (trusted, value, expected) in rows {
            let headers = HeaderMap::from_iter([("x-forwarded-for".parse().unwrap(), value.parse().unwrap())]);
            assert_eq!(client(peer, &headers, trusted).to_string(), expected, "{trusted} {value}");
        }
    }

    #[test]
    fn one_customers_addresses_count_as_one() {
        let rows = [("2001:db8:1:2:3::4", "2001:db8:1:2::"), ("::ffff:1.2.3.4", "1.2.3.4"), ("1.2.3.4", "1.2.3.4")];
        for (address, expected) in rows {
            assert_eq!(network(address.parse().unwrap()).to_string(), expected);
        }
    }
}
