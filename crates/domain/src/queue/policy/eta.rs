//! When a turn comes, as a range.
//!
//! It follows from how fast and how slow the line may move. Both are guessed from the set rate, then from what is seen, and while the
//! rate holds the two only come nearer to each other: so a promised time never gets later and the range tightens. Where the rate does
//! not hold they are guessed again. A line that stands still keeps the last range and says that it stands still.

use serde::{Deserialize, Serialize};

/// Of a new guess: how far what is seen may be off, in per cent.
const SPREAD_FIRST_PERCENT: u64 = 50;
/// Of an old one. What is seen may swing by 6 % to both sides and still be within a range that was tightened by any of it.
const SPREAD_LAST_PERCENT: u64 = 15;
/// The time in which a guess becomes old, in milliseconds.
const SPREAD_MS: u64 = 300_000;
/// By how much a room may be faster than it is set to: a minute with a burst in it, in per cent of the rate.
const FASTER_PERCENT: u64 = 25;

/// How many a minute may be admitted from now on. It stands on the board: every client computes the same range from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EtaModel {
    rate_per_min: u32,
    slow_per_min: u64,
    fast_per_min: u64,
    since_ms: i64,
}

/// Seconds to the turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EtaRange {
    /// At the earliest.
    pub from_s: u64,
    /// At the latest: while the room's rate holds this comes nearer with time, never further.
    pub to_s: u64,
}

/// What a fan is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "line")]
pub enum Eta {
    /// The turn comes within the range.
    #[serde(rename = "moves")]
    In(EtaRange),
    /// The line stands still; once it moves, the turn comes within the range.
    #[serde(rename = "stands_still")]
    Paused(EtaRange),
}

impl EtaModel {
    /// Where nothing was seen yet. None for a rate at which no turn ever comes.
    pub fn of_rate(rate_per_min: u32, now_ms: i64) -> Option<Self> {
        let rate = u64::from(rate_per_min);
        (rate > 0).then(|| Self {
            rate_per_min,
            slow_per_min: percent(rate, 100 - SPREAD_FIRST_PERCENT).max(1),
            fast_per_min: percent(rate, 100 + FASTER_PERCENT).max(1),
            since_ms: now_ms,
        })
    }

    /// What the next board says, where the last one said that. At a rate of 0 the line stands still, and may go on as before.
    pub fn next(last: Option<Self>, rate_per_min: u32, observed_per_min: u32, now_ms: i64) -> Option<Self> {
        match last {
            None => Self::of_rate(rate_per_min, now_ms),
            Some(model) if rate_per_min == 0 => Some(model),
            Some(model) => model.set_rate(rate_per_min).map(|model| model.observe(observed_per_min, now_ms)),
        }
    }

    /// After so many were admitted in the last minute; 0 where none were, or it cannot be said.
    #[must_use]
    pub fn observe(self, observed_per_min: u32, now_ms: i64) -> Self {
        let observed = u64::from(observed_per_min);
        if observed == 0 {
            return self;
        }
        let holds = (self.slow_per_min..=self.fast_per_min).contains(&observed);
        let since_ms = if holds { self.since_ms } else { now_ms };
        let age_ms = u64::try_from(now_ms.saturating_sub(since_ms)).unwrap_or(0).min(SPREAD_MS);
        let spread = SPREAD_FIRST_PERCENT - (SPREAD_FIRST_PERCENT - SPREAD_LAST_PERCENT) * age_ms / SPREAD_MS;
        let (slow, fast) = (percent(observed, 100 - spread).max(1), percent(observed, 100 + spread).max(1));
        let (slow_per_min, fast_per_min) =
            if holds { (self.slow_per_min.max(slow), self.fast_per_min.min(fast)) } else { (slow, fast) };
        Self { slow_per_min, fast_per_min, since_ms, ..self }
    }

    /// After the operators, or the pipeline, have set another rate. A lower one is slower in proportion; a higher one may be faster, but
    /// takes no promise back. None where no turn comes any more.
    pub fn set_rate(self, rate_per_min: u32) -> Option<Self> {
        if rate_per_min == 0 {
            return None;
        }
        let scaled = |per_min: u64| (per_min * u64::from(rate_per_min) / u64::from(self.rate_per_min.max(1))).max(1);
        let slow_per_min = if rate_per_min < self.rate_per_min { scaled(self.slow_per_min) } else { self.slow_per_min };
        Some(Self { rate_per_min, slow_per_min, fast_per_min: scaled(self.fast_per_min), ..self })
    }

    /// What to tell a fan before whom so many stand.
    pub fn eta(self, ahead: u64, moving: bool) -> Eta {
        let seconds = |per_min: u64| ahead.saturating_add(1).saturating_mul(60).div_ceil(per_min.max(1));
        let range = EtaRange { from_s: seconds(self.fast_per_min), to_s: seconds(self.slow_per_min) };
        if moving { Eta::In(range) } else { Eta::Paused(range) }
    }
}

impl Eta {
    /// The range, whether the line moves or not.
    pub fn range(self) -> EtaRange {
        match self {
            Self::In(range) | Self::Paused(range) => range,
        }
    }
}

fn percent(of: u64, percent: u64) -> u64 {
    of * percent / 100
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range(model: EtaModel, ahead: u64) -> (u64, u64) {
        let EtaRange { from_s, to_s } = model.eta(ahead, true).range();
        (from_s, to_s)
    }

    #[test]
    fn the_range_tightens_while_the_rate_holds_and_widens_when_it_does_not() {
        let mut model = EtaModel::of_rate(600, 0).unwrap();
        assert_eq!(range(model, 5_999), (480, 1_200), "by the set rate alone");
        model = model.observe(600, 150_000);
        assert_eq!(range(model, 5_999), (480, 896));
        model = model.observe(600, 300_000);
        assert_eq!(range(model, 5_999), (522, 706), "15 % to both sides");
        assert_eq!(range(model.observe(0, 400_000), 5_999), (522, 706), "nothing was seen");
        model = model.observe(300, 400_000);
        assert_eq!(range(model, 5_999), (800, 2_400), "half as fast");
    }

    #[test]
    fn a_pause_is_told_and_keeps_the_range() {
        let model = EtaModel::of_rate(600, 0).unwrap().observe(600, 300_000);
        assert_eq!(model.eta(100, false), Eta::Paused(model.eta(100, true).range()));
    }

    #[test]
    fn another_rate_is_another_range_and_none_where_no_one_is_admitted() {
        let model = EtaModel::of_rate(600, 0).unwrap().observe(600, 300_000);
        assert_eq!(range(model, 5_999), (522, 706));
        assert_eq!(range(model.set_rate(300).unwrap(), 5_999), (1_044, 1_412), "half as fast");
        assert_eq!(range(model.set_rate(1_200).unwrap(), 5_999), (261, 706), "perhaps twice as fast");
        assert_eq!(model.set_rate(600), Some(model));
        assert_eq!(model.set_rate(0), None);
        assert_eq!(EtaModel::of_rate(0, 0), None);
    }

    #[test]
    fn a_rate_of_none_keeps_what_was_seen_before_it() {
        let model = EtaModel::next(None, 600, 0, 0).unwrap().observe(600, 300_000);
        let still = EtaModel::next(Some(model), 0, 0, 400_000);
        assert_eq!(still, Some(model));
        assert_eq!(EtaModel::next(still, 600, 600, 500_000), Some(model), "and it goes on");
        assert_eq!(EtaModel::next(None, 0, 0, 0), None, "nothing was seen");
    }

    #[test]
    fn the_slowest_rate_has_a_range() {
        assert_eq!(range(EtaModel::of_rate(1, 0).unwrap(), 0), (60, 60));
    }

    proptest! {
        /// Pauses included: what was promised never gets later, and both ends come nearer.
        #[test]
        fn no_promise_gets_later_while_the_rate_holds(
            rate in 1_000u32..600_000, seen in prop::collection::vec((94u32..=106, 1i64..60, any::<bool>(), 0u64..500), 1..60),
        ) {
            let (mut model, mut ahead, mut now_ms) = (EtaModel::of_rate(rate, 0).unwrap(), 20_000u64, 0i64);
            for (percent, seconds, paused, turns) in seen {
                now_ms += seconds * 1_000;
                let before = model.eta(ahead, true).range();
                let next = if paused { model } else { model.observe(rate * percent / 100, now_ms) };
                prop_assert!(next.slow_per_min >= model.slow_per_min && next.fast_per_min <= model.fast_per_min);
                model = next;
                ahead = ahead.saturating_sub(if paused { 0 } else { turns });
                let after = model.eta(ahead, !paused).range();
                prop_assert!(after.to_s <= before.to_s && after.from_s <= after.to_s, "{:?} {:?}", before, after);
            }
        }
    }
}
