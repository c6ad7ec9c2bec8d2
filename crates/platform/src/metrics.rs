//! Metrics: one Prometheus recorder per process, rendered by [`crate::health::router`].

use std::{sync::OnceLock, thread, time::Duration};

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// Between two clean-ups of the histograms' buffers.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Bounds for what is measured in seconds (names end in `_seconds`): from a poll answered from memory to a queue's worst wait.
const SECONDS: [f64; 16] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

static RECORDER: OnceLock<Metrics> = OnceLock::new();

/// The process's metrics.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
}

impl Metrics {
    /// All metrics in Prometheus' text format.
    pub fn render(&self) -> String {
        self.handle.render()
    }
}

/// Starts recording what the `metrics` macros say. Later calls in the same process return the same recorder.
pub fn install() -> Result<Metrics, BuildError> {
    if let Some(metrics) = RECORDER.get() {
        return Ok(metrics.clone());
    }
    let recorder =
        PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?.build_recorder();
    let metrics = Metrics { handle: recorder.handle() };
    // Two first callers at once: the loser's recorder is dropped unused.
    let installed = RECORDER.get_or_init(|| {
        let _ = ::metrics::set_global_recorder(recorder);
        keep_up(metrics.handle.clone());
        metrics
    });
    Ok(installed.clone())
}

/// On a thread of its own: it must outlive the runtime of the test that happened to come first.
fn keep_up(handle: PrometheusHandle) {
    let upkeep = move || {
        loop {
            thread::sleep(UPKEEP_INTERVAL);
            handle.run_upkeep();
        }
    };
    if let Err(error) = thread::Builder::new().name("metrics-upkeep".to_owned()).spawn(upkeep) {
        tracing::error!(%error, "no thread for the upkeep of metrics: histograms will grow");
    }
}
