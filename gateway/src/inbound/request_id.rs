//! Request ids: taken from the client or made here, in every log line, problem document and response.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument, info_span};
use uuid::Builder;

pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id taken from a client: it goes into logs.
const MAX_BYTES: usize = 64;

tokio::task_local! {
    static CURRENT: String;
}

/// The id of the request this task is answering.
pub(crate) fn current() -> String {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}

/// A part of the answer that another task works on.
pub(crate) fn keep<F: Future>(part: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(current(), part)
}

/// Outermost layer: gives the request its id and everything below it a span that carries it.
pub(crate) async fn layer(request: Request, next: Next) -> Response {
    let id = of(request.headers());
    // The path without its query: the route template is not known yet.
    let span = info_span!("request", request_id = %id, method = %request.method(), path = request.uri().path());
    let mut response = CURRENT.scope(id.clone(), next.run(request).instrument(span)).await;
    tell(&mut response, &id);
    response
}

/// The id of a request with these headers.
pub(crate) fn of(headers: &HeaderMap) -> String {
    given(headers).unwrap_or_else(made)
}

/// Puts it on the answer.
pub(crate) fn tell(response: &mut Response, id: &str) {
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(HEADER, value);
    }
}

/// Random, without asking the system for randomness each time.
fn made() -> String {
    Builder::from_random_bytes(rand::random()).into_uuid().to_string()
}

fn given(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(HEADER)?.to_str().ok()?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.:".contains(&b);
    ((1..=MAX_BYTES).contains(&id.len()) && id.bytes().all(plain)).then(|| id.to_owned())
}
