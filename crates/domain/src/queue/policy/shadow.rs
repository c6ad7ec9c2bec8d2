//! The line that there would be: what a shadow room measures while it lets everyone in.
//!
//! Whoever has their turn joins it, and leaves it as rate, burst and cap would have let them in. Of those who are really inside, those
//! who would still wait do not count against the cap. An estimate: fans who wait come later to their seats, and some give up.

use serde::{Deserialize, Serialize};

use super::Bucket;
use crate::queue::Bounds;

/// Who would wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ShadowLine {
    /// How many.
    pub waiting: u64,
    /// The most there were.
    pub longest: u64,
    /// Turns that have come and are counted here.
    admitted: u64,
    bucket: Bucket,
}

impl ShadowLine {
    /// Begins with no one, when so many had their turn.
    pub fn begin(admitted: u64, now_ms: i64) -> Self {
        Self { admitted, bucket: Bucket { micro_tokens: 0, at_ms: now_ms }, ..Self::default() }
    }

    /// Later: so many have had their turn by now, and so many are inside.
    #[must_use]
    pub fn after(self, admitted: u64, inside: u64, set: Bounds, now_ms: i64) -> Self {
        let came = self.waiting + admitted.saturating_sub(self.admitted);
        let bucket = self.bucket.at(now_ms, set.rate_per_min, set.burst);
        let room = u64::from(set.active_cap).saturating_sub(inside.saturating_sub(came));
        let served = came.min(bucket.tokens()).min(room);
        let waiting = came - served;
        Self {
            waiting,
            longest: self.longest.max(waiting),
            admitted: self.admitted.max(admitted),
            bucket: bucket.without(served),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SET: Bounds = Bounds { rate_per_min: 60, burst: 5, active_cap: 100, by_stock: true };

    #[test]
    fn who_would_wait_is_who_came_faster_than_rate_and_cap() {
        let mut line = ShadowLine::begin(1_000, 0);
        for (what, at_s, admitted, inside, waiting, longest) in [
            ("no one came", 10, 1_000, 0, 0, 0),
            ("as many as the burst", 11, 1_005, 5, 0, 0),
            ("ten at once: one has its turn a second", 12, 1_015, 15, 9, 9),
            ("the line drains", 17, 1_015, 15, 4, 9),
            ("and is empty", 30, 1_015, 15, 0, 9),
            ("two hundred, and two tokens", 31, 1_215, 215, 198, 198),
            ("the cap is full of others", 100, 1_215, 300, 198, 198),
            ("a burst; a count that went back moves no one", 101, 900, 0, 193, 198),
        ] {
            line = line.after(admitted, inside, SET, at_s * 1_000);
            assert_eq!((line.waiting, line.longest), (waiting, longest), "{what}");
        }
    }
}
