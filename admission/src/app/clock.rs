//! The time by which turns, windows and sessions are counted: the database's, as long as its clock goes evenly.
//!
//! A clock that jumps must not end everyone's claim window, nor fill a bucket twice: where the database's time is not where it should
//! be, ours runs a tenth faster or slower until they meet. It never goes back.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The database's clock may be so far from where it should be, e.g. because an answer was slow, before we call it a jump.
const JUMP: Duration = Duration::from_secs(2);
/// How much faster or slower ours runs after a jump: a part of the time that passes.
const SLEW: u32 = 10;

#[derive(Debug, Default)]
pub(super) struct Clock {
    reading: Mutex<Option<Reading>>,
}

#[derive(Clone, Copy, Debug)]
struct Reading {
    ms: i64,
    at: Instant,
    jumped: bool,
}

impl Clock {
    /// The database's clock showed this at that moment.
    pub(super) fn hear(&self, database_ms: i64, at: Instant) {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(before) = *reading else {
            *reading = Some(Reading { ms: database_ms, at, jumped: false });
            return;
        };
        let passed = millis(at.saturating_duration_since(before.at));
        let expected = before.ms + passed;
        let off = database_ms - expected;
        let jumped = off.abs() > millis(JUMP);
        let ms = match (jumped, off > 0) {
            (false, _) => expected.max(database_ms),
            (true, true) => expected + passed / i64::from(SLEW),
            (true, false) => expected - passed / i64::from(SLEW),
        };
        if jumped && !before.jumped {
            tracing::warn!(off_ms = off, "the database's clock jumped: waiting rooms follow it slowly");
        }
        *reading = Some(Reading { ms: ms.max(before.ms), at: at.max(before.at), jumped });
    }

    /// Unix milliseconds; 0 before the database was heard of.
    pub(super) fn now_ms(&self) -> i64 {
        let reading = *self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        reading.map_or(0, |reading| reading.ms + millis(reading.at.elapsed()))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    fn after(begin: Instant, ms: u64) -> Instant {
        begin + Duration::from_millis(ms)
    }

    fn heard(readings: &[(u64, i64)]) -> i64 {
        let (clock, begin) = (Clock::default(), Instant::now());
        for (at, database_ms) in readings {
            clock.hear(*database_ms, after(begin, *at));
        }
        let reading = *clock.reading.lock().unwrap();
        reading.unwrap().ms
    }

    #[test]
    fn a_clock_that_goes_evenly_is_followed_and_one_that_jumps_slowly() {
        type Case<'a> = (&'a str, &'a [(u64, i64)], i64);
        let cases: [Case<'_>; 6] = [
            ("the first reading", &[(0, 5_000)], 5_000),
            ("an even clock", &[(0, 5_000), (1_000, 6_010)], 6_010),
            ("a late answer", &[(0, 5_000), (1_000, 5_900)], 6_000),
            ("an hour ahead", &[(0, 5_000), (1_000, 6_000 + HOUR_MS)], 6_100),
            ("an hour back", &[(0, 5_000), (1_000, 6_000 - HOUR_MS)], 5_900),
            ("there and back", &[(0, 5_000), (1_000, 6_000 + HOUR_MS), (2_000, 7_000)], 7_100),
        ];
        for (what, readings, expected) in cases {
            assert_eq!(heard(readings), expected, "{what}");
        }
    }
}
