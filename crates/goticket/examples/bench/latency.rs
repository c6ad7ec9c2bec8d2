//! Percentiles of how long things took.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Times of one run, to a thousandth of themselves.
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(crate) fn of(times: impl IntoIterator<Item = Duration>) -> Self {
        let mut all = Histogram::new(3).expect("three digits are allowed");
        for time in times {
            // A histogram that grows takes whatever fits into it.
            let _ = all.record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
        }
        Self(all)
    }

    /// Milliseconds; none of nothing.
    pub(crate) fn ms_at(&self, percentile: f64) -> Option<f64> {
        let us = (!self.0.is_empty()).then(|| self.0.value_at_percentile(percentile))?;
        Some(crate::rates::count(us) / 1_000.0)
    }

    /// The usual three, for a note.
    pub(crate) fn summary(&self) -> String {
        let at = |percentile| self.ms_at(percentile).map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1}"));
        format!("p50 {}, p95 {}, p99 {} ms of {}", at(50.0), at(95.0), at(99.0), self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_hundred_takes_longer_than_the_p99() {
        let latencies = Latencies::of((1..=1_000).map(Duration::from_millis));
        for (percentile, ms) in [(50.0, 500.0), (99.0, 990.0), (100.0, 1_000.0)] {
            let found = latencies.ms_at(percentile).unwrap();
            assert!((found - ms).abs() <= ms / 500.0, "p{percentile} is {found}");
        }
        assert_eq!(latencies.0.len(), 1_000);
    }

    #[test]
    fn nothing_has_no_percentile() {
        assert_eq!(Latencies::of([]).ms_at(99.0), None);
        assert_eq!(Latencies::of([]).summary(), "p50 -, p95 -, p99 - ms of 0");
    }
}
