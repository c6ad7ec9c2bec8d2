//! Logs: one subscriber per process, on stderr (stdout belongs to the commands' output).

use std::io;

use tracing_subscriber::{EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::config::{TelemetryConfig, TelemetryFormat};

/// Telemetry is on. Kept by `main` until the end.
#[derive(Debug)]
#[must_use = "keep it until the process ends"]
pub struct TelemetryGuard(());

/// The filter cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("`telemetry.filter` (GOTICKET__TELEMETRY__FILTER) = {filter:?} is not allowed: {source}")]
pub struct TelemetryError {
    filter: String,
    source: tracing_subscriber::filter::ParseError,
}

/// Starts logging. A second call in the same process (tests, several roles) leaves the first one's settings.
pub fn init(config: &TelemetryConfig) -> Result<TelemetryGuard, TelemetryError> {
    let filter =
        EnvFilter::builder().parse(&config.filter).map_err(|source| TelemetryError { filter: config.filter.clone(), source })?;
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let layer = match config.format {
        TelemetryFormat::Pretty => lines.boxed(),
        // The spans carry the request id: every line of one request can be found by it.
        TelemetryFormat::Json => lines.json().flatten_event(true).with_current_span(true).with_span_list(true).boxed(),
    };
    // An error means that a subscriber is there already, which is all we want.
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
    Ok(TelemetryGuard(()))
}
