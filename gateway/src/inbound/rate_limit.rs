//! How often one key may do something. In this process only: several gateways allow as many times as much.

use std::hash::Hash;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::problem::{Problem, ProblemCode};
use crate::services::App;

/// Keys remembered before the idle ones are forgotten.
const KEYS_MAX: usize = 100_000;

/// GCRA per key; none where it is switched off.
pub(crate) struct RateLimit<K: Hash + Eq + Clone> {
    limiter: Option<DefaultKeyedRateLimiter<K>>,
}

/// So long, and it may be done once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooOften {
    wait: Duration,
}

impl<K: Hash + Eq + Clone> RateLimit<K> {
    /// So many times a minute, `burst` of them at once. 0 a minute: as often as one likes.
    pub(crate) fn new(per_min: u32, burst: u32) -> Self {
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        let quota = NonZeroU32::new(per_min).map(|per_min| Quota::per_minute(per_min).allow_burst(burst));
        Self { limiter: quota.map(RateLimiter::keyed) }
    }

    /// Takes one, or says how long to wait.
    pub(crate) fn take(&self, key: &K) -> Result<(), TooOften> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        if limiter.len() > KEYS_MAX {
            limiter.retain_recent();
        }
        limiter.check_key(key).map_err(|until| TooOften { wait: until.wait_time_from(DefaultClock::default().now()) })
    }
}

impl From<TooOften> for Problem {
    fn from(TooOften { wait }: TooOften) -> Self {
        let seconds = u32::try_from(wait.as_secs()).unwrap_or(60) + 1;
        Self::new(ProblemCode::RateLimited, format!("Too many attempts. Wait {seconds} seconds.")).retry_after(seconds)
    }
}

/// Layer before the authentication endpoints.
pub(crate) async fn auth_layer(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    match app.auth_limit.take(&app.addresses.network(peer, request.headers())) {
        Ok(()) => next.run(request).await,
        Err(too_often) => {
            metrics::counter!("gateway_auth_limited_total").increment(1);
            Problem::from(too_often).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_burst_and_then_waits() {
        let limit = RateLimit::new(60, 3);
        for key in ['a', 'b'] {
            assert!((0..3).all(|_| limit.take(&key).is_ok()));
            let wait = limit.take(&key).map_err(|too_often| too_often.wait);
            assert!(wait.is_err_and(|wait| wait <= Duration::from_secs(1)), "{wait:?}");
        }
        let none = RateLimit::new(0, 1);
        assert!((0..1_000).all(|_| none.take(&'a').is_ok()));
    }
}
