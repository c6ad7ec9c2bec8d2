//! HTTP: one endpoint per file, and what is around all of them. And what the workers reply.

#![allow(unused_qualifications, reason = "utoipa repeats the types of extractors in its own words")]

pub(crate) mod apart;
pub(crate) mod auth;
pub(crate) mod body;
pub(crate) mod bookings;
pub(crate) mod browsers;
pub(crate) mod cached;
pub(crate) mod caller;
pub(crate) mod client;
pub(crate) mod client_address;
pub(crate) mod events;
pub(crate) mod front;
pub(crate) mod json;
pub(crate) mod limits;
pub(crate) mod measure;
pub(crate) mod openapi;
pub(crate) mod organizations;
pub(crate) mod parts;
pub(crate) mod problem;
pub(crate) mod problems;
pub(crate) mod queue;
pub(crate) mod rate_limit;
pub(crate) mod replies;
pub(crate) mod request_id;
pub(crate) mod slots;
pub(crate) mod sse;
pub(crate) mod venues;
pub(crate) mod webhook;

use std::any::Any;

use axum::http::header;
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use tower::util::option_layer;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{And, DefaultPredicate, Predicate, SizeAbove};
use tower_http::cors::CorsLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

use self::body::BodyPace;
use self::problem::{FieldError, Problem, ProblemCode};
use self::slots::Slots;
use crate::services::App;

/// Bodies up to this many bytes are sent as they are.
const COMPRESS_ABOVE: u16 = 1_024;

/// The whole API, and its description.
pub(crate) struct Api {
    pub(crate) router: Router,
    pub(crate) description: OpenApi,
}

pub(crate) fn router(app: App) -> Api {
    let pace =
        BodyPace { patience: app.config.connections.body_ms.millis(), bytes_per_s: app.config.connections.bytes_per_s.get() };
    let limit = app.config.request_timeout_ms.millis();
    let apart = from_fn_with_state(app.work.clone(), apart::layer);
    let prompt = OpenApiRouter::with_openapi(openapi::base())
        .merge(problems::router())
        .merge(auth::router(&app))
        .merge(organizations::router())
        .merge(venues::router())
        .merge(events::router())
        .merge(queue::router())
        .merge(bookings::router().merge(webhook::router()).layer(apart.clone()));
    let slots = Slots::new(app.config.requests_max.get(), prompt.get_openapi());
    let prompt = prompt.layer((from_fn_with_state(slots, slots::in_work), from_fn_with_state(limit, limits::time)));
    // Slots of their own: while bookings wait for a stalled worker, polls and log-ins still find room.
    let waiting = bookings::asking_router().merge(bookings::cancelling_router().layer(apart));
    let slots = Slots::new(app.config.waiting_max.get(), waiting.get_openapi());
    let waiting =
        waiting.layer((from_fn_with_state(slots, slots::in_work), from_fn_with_state(limit + limits::WAIT_MAX, limits::time)));
    let (router, description) = prompt.merge(waiting).split_for_parts();
    let router = router.layer((compression(), limits::BodyMax::USUAL.layer(), Extension(pace))).with_state(app);
    Api { router, description: openapi::described(description) }
}

/// What anyone may call. `health` is served beside the API, outside of its limits.
pub(crate) fn public(api: Router, health: Router, documentation: Router, cors: Option<CorsLayer>) -> Router {
    around(api.merge(documentation).merge(health)).layer(option_layer(cors))
}

/// What operators and their probes may call.
pub(crate) fn private(health: Router, documentation: Router) -> Router {
    around(health.merge(documentation))
}

/// The description and pages to read it.
pub(crate) fn documentation(description: OpenApi) -> Router {
    let pages: Router = SwaggerUi::new("/docs").url("/openapi.json", description).into();
    pages.layer(SetResponseHeaderLayer::if_not_present(header::CONTENT_SECURITY_POLICY, browsers::DOCUMENTATION_MAY))
}

/// What is around every answer.
fn around(router: Router) -> Router {
    // The first is the outermost.
    router.fallback(unknown_route).method_not_allowed_fallback(unknown_method).layer((
        from_fn(request_id::layer),
        from_fn(measure::layer),
        map_response(async |mut response: Response| {
            browsers::secured(response.headers_mut());
            response
        }),
        from_fn(limits::headers),
        CatchPanicLayer::custom(panicked),
    ))
}

/// Polls are too small to gain anything from it; a seat map shrinks to a tenth.
fn compression() -> CompressionLayer<And<DefaultPredicate, SizeAbove>> {
    let worthwhile = DefaultPredicate::new().and(SizeAbove::new(COMPRESS_ABOVE));
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(worthwhile)
}

async fn unknown_route() -> Problem {
    Problem::new(ProblemCode::RouteNotFound, "There is nothing here. The API's description says what there is.")
        .with_error(FieldError::path("path", "leads nowhere: take one of the API's description"))
}

async fn unknown_method() -> Problem {
    Problem::new(ProblemCode::MethodNotAllowed, "This resource does not take this method. See the Allow header.")
        .with_error(FieldError::path("path", "does not take this method: use one of the Allow header's"))
}

/// The hook of the process has logged where; the client gets what finds it.
#[expect(clippy::needless_pass_by_value, reason = "tower-http's signature")]
fn panicked(cause: Box<dyn Any + Send>) -> Response {
    let text = cause.downcast_ref::<String>().map(String::as_str).or_else(|| cause.downcast_ref::<&str>().copied());
    Problem::internal(&format!("panic: {}", text.unwrap_or("?"))).into_response()
}
