//! How many fans a minute were really admitted: what waiting times are estimated from.

use std::collections::VecDeque;

/// The stretch that is looked back on, in milliseconds.
const WINDOW_MS: i64 = 60_000;
/// Before so much of it has been seen there is no estimate.
const SEEN_MIN_MS: i64 = 5_000;
/// Between two samples that are kept: bounds their number.
const SAMPLE_MS: i64 = 500;

/// Samples of one room's count of admissions, which all its replicas share.
#[derive(Debug, Default)]
pub(super) struct Pace {
    samples: VecDeque<(i64, u64)>,
}

impl Pace {
    /// Adds a sample and returns the admissions per minute over the last minute; 0 while that cannot be said.
    pub(super) fn sample(&mut self, now_ms: i64, admitted: u64) -> u32 {
        if self.samples.back().is_some_and(|&(at, count)| now_ms < at || admitted < count) {
            // The clock went back, or Redis did: what was seen does not belong together with what comes.
            self.samples.clear();
        }
        while self.samples.get(1).is_some_and(|&(at, _)| at <= now_ms - WINDOW_MS) {
            self.samples.pop_front();
        }
        let per_min = self.samples.front().map_or(0, |&(at, count)| {
            let passed = now_ms - at;
            if passed < SEEN_MIN_MS { 0 } else { per_minute(admitted - count, passed) }
        });
        if self.samples.back().is_none_or(|&(at, _)| now_ms - at >= SAMPLE_MS) {
            self.samples.push_back((now_ms, admitted));
        }
        per_min
    }
}

fn per_minute(admitted: u64, passed_ms: i64) -> u32 {
    let passed_ms = u64::try_from(passed_ms).unwrap_or(1).max(1);
    u32::try_from(admitted.saturating_mul(60_000) / passed_ms).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_that_of_the_last_minute() {
        let mut pace = Pace::default();
        assert_eq!(pace.sample(0, 100), 0);
        assert_eq!(pace.sample(4_999, 150), 0, "too early to say");
        assert_eq!(pace.sample(10_000, 200), 600);
        for second in 11..=130 {
            pace.sample(second * 1_000, 200);
        }
        assert_eq!(pace.sample(131_000, 200), 0, "nobody in the last minute");
        assert_eq!(pace.sample(132_000, 230), 30, "thirty in the minute from 72 to 132");
    }

    #[test]
    fn a_clock_or_a_count_that_goes_back_begins_again() {
        let mut pace = Pace::default();
        pace.sample(100_000, 500);
        assert_eq!(pace.sample(50_000, 510), 0);
        assert_eq!(pace.sample(60_000, 520), 60);
        assert_eq!(pace.sample(70_000, 0), 0);
    }
}
