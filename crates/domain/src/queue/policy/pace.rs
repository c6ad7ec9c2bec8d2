//! How many fans a minute were really admitted: what waiting times are estimated from.

use std::collections::VecDeque;

/// The stretch that is looked back on, in milliseconds.
const WINDOW_MS: i64 = 60_000;
/// Before so much of it has been seen there is no estimate.
const SEEN_MIN_MS: i64 = 5_000;
/// Longer without a sample the room was not looked after, while a store was away or filled again: its line could not move.
const GAP_MAX_MS: i64 = 10_000;
/// Between two samples that are kept: bounds their number.
const SAMPLE_MS: i64 = 500;

/// Samples of one room's count of admissions, which all its replicas share.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    samples: VecDeque<(i64, u64)>,
}

impl Pace {
    /// Adds a sample and returns the admissions per minute over the last minute; 0 while that cannot be said. In a lobby, in a pause and
    /// while no one waits the line does not move: how fast it is when it does must not be judged by that.
    pub fn sample(&mut self, now_ms: i64, admitted: u64, moves: bool) -> u32 {
        if !moves {
            self.samples.clear();
            return 0;
        }
        if self.samples.back().is_some_and(|&(at, count)| !(at..=at + GAP_MAX_MS).contains(&now_ms) || admitted < count) {
            // The clock went back, or Redis did, or nothing was seen for a while: what was does not belong together with what comes.
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
        assert_eq!(pace.sample(0, 100, true), 0);
        assert_eq!(pace.sample(4_999, 150, true), 0, "too early to say");
        assert_eq!(pace.sample(10_000, 200, true), 600);
        for second in 11..=130 {
            pace.sample(second * 1_000, 200, true);
        }
        assert_eq!(pace.sample(131_000, 200, true), 0, "no one in the last minute");
        assert_eq!(pace.sample(132_000, 230, true), 30, "thirty in the minute from 72 to 132");
    }

    #[test]
    fn a_line_that_could_not_move_was_not_slow() {
        let mut pace = Pace::default();
        for second in 0..=60 {
            assert_eq!(pace.sample(second * 1_000, 0, false), 0, "in the lobby");
        }
        let per_second = |second: i64| u64::try_from(second).unwrap() * 10;
        for second in 61..=90 {
            let seen = pace.sample(second * 1_000, per_second(second - 61), true);
            assert_eq!(seen, if second < 66 { 0 } else { 600 }, "after {second} s");
        }
        assert_eq!(pace.sample(117_000, 300, true), 0, "no one looked for 27 s");
        assert_eq!(pace.sample(122_000, 350, true), 600);
        pace.sample(123_000, 360, false);
        assert_eq!(pace.sample(124_000, 360, true), 0);
        assert_eq!(pace.sample(134_000, 460, true), 600, "ten seconds after a pause");
    }

    #[test]
    fn a_clock_or_a_count_that_goes_back_begins_again() {
        let mut pace = Pace::default();
        pace.sample(100_000, 500, true);
        assert_eq!(pace.sample(50_000, 510, true), 0);
        assert_eq!(pace.sample(60_000, 520, true), 60);
        assert_eq!(pace.sample(70_000, 0, true), 0);
    }
}
