//! Slots for requests in work. Beyond them a request is turned away instead of being queued.
//!
//! A body that does not come must not hold one: where an endpoint reads a body, as the API's description says, its slot is taken when the
//! body is there, by whoever has read it. What can be checked by the head alone was checked before that.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use axum::body::HttpBody as _;
use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use utoipa::openapi::OpenApi;

use super::problem::{Problem, ProblemCode};

/// So many requests are in work together.
#[derive(Clone)]
pub(crate) struct Slots {
    free: Arc<Semaphore>,
    /// Endpoints that read a body.
    reading: Arc<HashSet<(Method, String)>>,
}

/// A slot that is taken later, until the answer is there.
#[derive(Clone)]
struct Later {
    free: Arc<Semaphore>,
    taken: Arc<OnceLock<OwnedSemaphorePermit>>,
}

impl Slots {
    /// For the endpoints of this description.
    pub(crate) fn new(max: u32, api: &OpenApi) -> Self {
        let free = Semaphore::new(usize::try_from(max).unwrap_or(Semaphore::MAX_PERMITS));
        Self { free: Arc::new(free), reading: Arc::new(reading(api)) }
    }

    /// Whether a body is on its way to an endpoint that reads it.
    fn awaits_body(&self, request: &Request) -> bool {
        let endpoint = request.extensions().get::<MatchedPath>().map(|path| (request.method().clone(), path.as_str().to_owned()));
        !request.body().is_end_stream() && endpoint.is_some_and(|endpoint| self.reading.contains(&endpoint))
    }
}

fn reading(api: &OpenApi) -> HashSet<(Method, String)> {
    let endpoints = api.paths.paths.iter().flat_map(|(path, item)| {
        let operations =
            [(Method::POST, &item.post), (Method::PATCH, &item.patch), (Method::PUT, &item.put), (Method::DELETE, &item.delete)];
        let reading =
            operations.into_iter().filter(|(_, operation)| operation.as_ref().is_some_and(|it| it.request_body.is_some()));
        reading.map(|(method, _)| (method, path.clone())).collect::<Vec<_>>()
    });
    endpoints.collect()
}

/// Around every endpoint.
pub(crate) async fn in_work(State(slots): State<Slots>, mut request: Request, next: Next) -> Response {
    if !slots.awaits_body(&request) {
        let Ok(_slot) = slots.free.try_acquire() else { return overloaded().into_response() };
        return next.run(request).await;
    }
    let version = request.version();
    let later = Later { free: slots.free, taken: Arc::default() };
    request.extensions_mut().insert(later.clone());
    let mut response = next.run(request).await;
    debug_assert!(
        later.taken.get().is_some() || !response.status().is_success(),
        "an endpoint that is described as reading a body has not read it, and was worked on without a slot"
    );
    if response.status() == StatusCode::REQUEST_TIMEOUT && version < Version::HTTP_2 {
        // The rest of the body would be taken for the next request (RFC 9110, section 15.5.9).
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The body is there, or needed no more: work begins.
pub(crate) fn begin(parts: &Parts) -> Result<(), Problem> {
    let Some(later) = parts.extensions.get::<Later>().filter(|later| later.taken.get().is_none()) else { return Ok(()) };
    let slot = Arc::clone(&later.free).try_acquire_owned().map_err(|_| overloaded())?;
    let _ = later.taken.set(slot);
    Ok(())
}

/// A request is turned away.
pub(crate) fn overloaded() -> Problem {
    metrics::counter!("gateway_shed_total").increment(1);
    Problem::new(ProblemCode::Overloaded, "More requests are in work than we can take. Repeat the request.")
}
