//! How often one client address may try to register, log in or refresh. In this process only: several gateways allow as many times
//! as much.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::problem::Problem;
use crate::config::GatewayConfig;
use crate::services::App;

/// Addresses remembered before the idle ones are forgotten.
const ADDRESSES_MAX: usize = 100_000;

/// GCRA per address; none where it is switched off.
pub(crate) struct AuthLimit {
    limiter: Option<DefaultKeyedRateLimiter<IpAddr>>,
    trusted_proxies: usize,
}

impl AuthLimit {
    pub(crate) fn new(config: &GatewayConfig) -> Self {
        let burst = NonZeroU32::new(config.auth_burst.get()).unwrap_or(NonZeroU32::MIN);
        let quota = NonZeroU32::new(config.auth_per_min.get()).map(|per_min| Quota::per_minute(per_min).allow_burst(burst));
        Self {
            limiter: quota.map(RateLimiter::keyed),
            trusted_proxies: usize::try_from(config.trusted_proxies.get()).unwrap_or(0),
        }
    }

    /// The address a request comes from; one for all addresses that one customer can choose among.
    pub(crate) fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        network(client(peer, headers, self.trusted_proxies))
    }

    /// Takes one attempt, or says how long to wait.
    fn take(&self, address: IpAddr) -> Result<(), Duration> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        if limiter.len() > ADDRESSES_MAX {
            limiter.retain_recent();
        }
        limiter.check_key(&address).map_err(|until| until.wait_time_from(DefaultClock::default().now()))
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

/// Layer before the authentication endpoints.
pub(crate) async fn layer(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let address = app.auth_limit.client(peer, request.headers());
    match app.auth_limit.take(address) {
        Ok(()) => next.run(request).await,
        Err(wait) => {
            metrics::counter!("gateway_auth_limited_total").increment(1);
            let seconds = u32::try_from(wait.as_secs()).unwrap_or(60) + 1;
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", format!("Too many attempts. Wait {seconds} seconds."))
                .retry_after(seconds)
                .into_response()
        }
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
