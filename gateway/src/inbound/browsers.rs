//! What answers tell browsers: who may read them, what their pages may do, and that nothing is kept of what is somebody's.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::{OpenApi, RefOr};

use super::request_id;
use crate::config::WebOrigin;

/// A page of ours that says nothing else may do nothing, and stands in nobody's frame.
const PAGES_MAY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'");
/// The documentation has scripts and styles of its own, and calls the API it stands beside.
pub(super) const DOCUMENTATION_MAY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
     frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
);
/// Where a stream goes on.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// How long a browser remembers what it may send.
const PREFLIGHT: Duration = Duration::from_mins(10);

/// What every answer says. What says nothing about being kept is not kept.
pub(super) fn secured(headers: &mut HeaderMap) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
    if headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(PAGES_MAY);
        // For those who do not know frame-ancestors.
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
}

/// Pages of these origins may call us. Tokens are sent in headers, so that no credentials of the browser's are needed.
pub(crate) fn cors(origins: &[WebOrigin], api: &OpenApi) -> Option<CorsLayer> {
    let always = [header::AUTHORIZATION, header::CONTENT_TYPE, header::IF_NONE_MATCH, LAST_EVENT_ID, request_id::HEADER];
    let sent = always.into_iter().chain(described(api));
    let told = [
        header::ETAG,
        header::LOCATION,
        header::RETRY_AFTER,
        request_id::HEADER,
        HeaderName::from_static("idempotency-replayed"),
    ];
    (!origins.is_empty()).then(|| {
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins.iter().map(|origin| origin.value().clone())))
            .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::PUT, Method::DELETE])
            .allow_headers(sent.collect::<Vec<_>>())
            .expose_headers(told)
            .max_age(PREFLIGHT)
    })
}

/// Every header that the API's description tells clients to send.
fn described(api: &OpenApi) -> Vec<HeaderName> {
    let items = api.paths.paths.values();
    let operations = items.flat_map(|item| [&item.get, &item.post, &item.patch, &item.put, &item.delete].into_iter().flatten());
    let name = |parameter: &Parameter| match parameter.parameter_in {
        ParameterIn::Header => HeaderName::from_bytes(parameter.name.as_bytes()).ok(),
        _ => None,
    };
    operations.flat_map(parameters).filter_map(name).collect()
}

fn parameters(operation: &Operation) -> impl Iterator<Item = &Parameter> {
    operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    })
}
