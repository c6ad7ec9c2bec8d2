//! Counts and times every request by its route's template, never by its path.

use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use metrics::{Counter, Histogram, counter, histogram};
use tokio::time::{Duration, Instant};

pub(crate) async fn layer(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched".to_owned(), |path| path.as_str().to_owned());
    let method = method(request.method());
    let response = next.run(request).await;
    let (elapsed, status) = (begun.elapsed(), response.status());
    counter!("http_requests_total", "method" => method, "route" => route.clone(), "status" => status.as_str().to_owned())
        .increment(1);
    histogram!("http_request_seconds", "method" => method, "route" => route.clone()).record(elapsed.as_secs_f64());
    // What went wrong was logged where it did; a crowd that is turned away is counted, and would fill the log.
    tracing::debug!(route, status = status.as_u16(), ms = elapsed.as_millis(), "answered");
    response
}

/// Answers that are counted so often that looking up what counts them would show.
pub(crate) struct Measured {
    requests: Counter,
    seconds: Histogram,
}

impl Measured {
    /// Of one route, with one status.
    pub(crate) fn new(method: &'static str, route: &'static str, status: StatusCode) -> Self {
        Self {
            requests: counter!("http_requests_total", "method" => method, "route" => route, "status" => status.as_str().to_owned()),
            seconds: histogram!("http_request_seconds", "method" => method, "route" => route),
        }
    }

    /// One more, which took so long.
    pub(crate) fn add(&self, elapsed: Duration) {
        self.requests.increment(1);
        self.seconds.record(elapsed.as_secs_f64());
    }
}

/// Clients can make methods up; metrics must not grow with them.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        _ => "other",
    }
}
