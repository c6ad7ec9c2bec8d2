//! One subscriber and one recorder per process, however many roles ask.

use goticket_platform::{
    config::{TelemetryConfig, TelemetryFormat},
    metrics, telemetry,
};

#[test]
fn a_second_start_changes_nothing_and_fails_nothing() {
    let config = TelemetryConfig { format: TelemetryFormat::Json, filter: "info".into() };
    let _first = telemetry::init(&config).unwrap();
    let _second = telemetry::init(&config).unwrap();
    let (first, second) = (metrics::install().unwrap(), metrics::install().unwrap());
    ::metrics::counter!("platform_test_total").increment(3);
    ::metrics::histogram!("platform_test_seconds").record(0.02);
    for metrics in [first, second] {
        let text = metrics.render();
        assert!(text.contains("platform_test_total 3"), "{text}");
        assert!(text.contains(r#"platform_test_seconds_bucket{le="0.025"} 1"#), "{text}");
    }
}

#[test]
fn a_filter_that_cannot_be_read_is_refused_by_name() {
    let config = TelemetryConfig { format: TelemetryFormat::Pretty, filter: "goticket=loud".into() };
    let message = telemetry::init(&config).unwrap_err().to_string();
    assert!(message.contains("GOTICKET__TELEMETRY__FILTER") && message.contains("goticket=loud"), "{message}");
}
