//! The safety net: while few fans come and no one waits, whoever joins has their turn with it. When more come the line forms by itself.

use std::collections::VecDeque;

/// The stretch that is looked back on, in milliseconds.
const WINDOW_MS: i64 = 60_000;
/// Between two samples that are kept: bounds their number.
const SAMPLE_MS: i64 = 500;

/// How many joined in the last minute, by how many there were at some moments.
#[derive(Clone, Debug, Default)]
pub struct Arrivals {
    samples: VecDeque<(i64, u64)>,
}

impl Arrivals {
    /// So many have come by now: had their turn, or wait. Returns how many of them came in the last minute; where nothing is known of that
    /// moment, since the one before, which may be more.
    pub fn seen(&mut self, now_ms: i64, came: u64) -> u32 {
        if self.samples.back().is_some_and(|&(at_ms, _)| now_ms < at_ms) {
            self.samples.clear();
        }
        while self.samples.get(1).is_some_and(|&(at_ms, _)| at_ms <= now_ms.saturating_sub(WINDOW_MS)) {
            self.samples.pop_front();
        }
        if self.samples.back().is_none_or(|&(at_ms, _)| now_ms - at_ms >= SAMPLE_MS) {
            self.samples.push_back((now_ms, came));
        }
        // Who leaves the line is missing from the count: it never shows more than came.
        let before = self.samples.front().map_or(came, |&(_, before)| before);
        u32::try_from(came.saturating_sub(before)).unwrap_or(u32::MAX)
    }
}

/// Whether who joins now has their turn at once, where so many joined in the last minute and so many wait. Bucket, cap and stock hold for
/// them as for anyone.
pub fn opens_at_once(open_below: Option<u32>, joins_per_min: u32, waiting: u64) -> bool {
    waiting == 0 && open_below.is_some_and(|below| joins_per_min < below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_of_the_last_minute_are_counted() {
        let mut arrivals = Arrivals::default();
        for (what, at_s, came, expected) in [
            ("nothing was seen before", 0, 500, 0),
            ("ten in the first half minute", 30, 510, 10),
            ("ten more", 60, 520, 20),
            ("the first ones were before", 90, 520, 10),
            ("somebody left", 95, 517, 7),
            ("a long silence: since before it", 1_000, 900, 383),
            ("and from then on", 1_061, 905, 5),
            ("a clock that went back begins again", 10, 905, 0),
        ] {
            assert_eq!(arrivals.seen(at_s * 1_000, came), expected, "{what}");
        }
    }

    #[test]
    fn the_line_forms_when_as_many_come_as_are_set_or_somebody_waits() {
        for (open_below, joins, waiting, expected) in
            [(None, 0, 0, false), (Some(5), 4, 0, true), (Some(5), 5, 0, false), (Some(5), 0, 1, false), (Some(1), 0, 0, true)]
        {
            assert_eq!(opens_at_once(open_below, joins, waiting), expected, "{open_below:?} {joins} {waiting}");
        }
    }
}
