//! What every request is subject to: the size of its headers and its body, and the time to answer.

use std::fmt;
use std::time::Duration;

use axum::Extension;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::{FieldError, Problem, ProblemCode};

/// Largest sum of header names and values, in bytes. The tokens we hand out are under 1 KiB each.
const HEADERS_MAX: usize = 16 * 1024;
/// Longest a booking's client may ask us to wait for the outcome.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(30);

/// Largest body of some endpoints, in bytes. Where the body is read it is known too, to be told to who sent more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyMax(usize);

impl BodyMax {
    /// Where nothing else is said.
    pub(crate) const USUAL: Self = Self(64 * 1024);
    /// A seating plan and a little more.
    pub(crate) const VENUE: Self = Self(33 * 1024 * 1024);

    pub(crate) fn bytes(self) -> u64 {
        u64::try_from(self.0).unwrap_or(u64::MAX)
    }

    /// Where layers lie upon each other the innermost counts.
    pub(crate) fn layer(self) -> (Extension<Self>, DefaultBodyLimit) {
        (Extension(self), DefaultBodyLimit::max(self.0))
    }
}

impl fmt::Display for BodyMax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MIB: usize = 1024 * 1024;
        let (short, unit) = if self.0 < MIB { (self.0 / 1024, "KiB") } else { (self.0 / MIB, "MiB") };
        write!(f, "{} bytes ({short} {unit})", self.0)
    }
}

fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

/// Whether headers are not oversized.
pub(crate) fn headers_fit(headers: &HeaderMap) -> bool {
    size(headers) <= HEADERS_MAX
}

/// Refuses oversized headers.
pub(crate) async fn headers(request: Request, next: Next) -> Response {
    let size = size(request.headers());
    if size > HEADERS_MAX {
        let detail =
            format!("The headers have {size} bytes together and the limit is {HEADERS_MAX}: send fewer or shorter ones.");
        let problem = Problem::new(ProblemCode::HeadersTooLarge, detail);
        let longest = request.headers().iter().max_by_key(|(_, value)| value.len());
        let errors = longest.map(|(name, value)| {
            let message = format!("is the longest with {} bytes: shorten it", value.len());
            FieldError::header(name.as_str().to_owned(), message)
        });
        return problem.with_errors(errors.into_iter().collect()).into_response();
    }
    next.run(request).await
}

/// Gives up on a request; what it began may still happen.
pub(crate) async fn time(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    if let Ok(response) = tokio::time::timeout(limit, next.run(request)).await {
        return response;
    }
    tracing::warn!("a request took too long");
    Problem::new(ProblemCode::TimedOut, "This took too long. Repeat the request; a booking with the same key.").into_response()
}
