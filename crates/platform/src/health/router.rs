//! `/healthz`, `/readyz` and `/metrics`.

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use super::Readiness;
use crate::metrics::Metrics;

/// `/healthz` alone, which says nothing but that the process runs: for whoever may ask.
pub fn alive() -> Router {
    Router::new().route("/healthz", get(async || "ok"))
}

/// `/healthz`: the process runs. `/readyz`: 200 or 503, with every dependency's state. `/metrics`: Prometheus.
pub fn router(readiness: Readiness, metrics: Metrics) -> Router {
    alive().route("/readyz", get(ready).with_state(readiness)).route("/metrics", get(render).with_state(metrics))
}

async fn ready(State(readiness): State<Readiness>) -> Response {
    let report = readiness.report().await;
    let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(report)).into_response()
}

async fn render(State(metrics): State<Metrics>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.render())
}
