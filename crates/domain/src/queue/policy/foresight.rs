//! What a change would do to the time in which a line drains: told before it is made.
//!
//! The pace that is seen now tells how long a fan stays inside, by Little's law (inside = pace × stay). From that follows the pace at another
//! rate, cap or session; the range is the one by which fans are told their time ([`EtaModel`]). It is an estimate from one look: fans who
//! walk away, a stock that ends before the line does, and those who still join are not in it.

use serde::{Deserialize, Serialize};

use super::{AutoLimits, EtaModel, EtaRange};

/// Of the cap, from which share on it is what holds the line up, in per cent.
const CAP_REACHED_PERCENT: u64 = 95;

/// The line as the board and the room tell it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LineNow {
    /// Places in line.
    pub waiting: u64,
    /// Who could buy, or may come inside by a claim.
    pub inside: u64,
    /// Turns in the last minute; 0 where that cannot be said.
    pub observed_per_min: u32,
}

/// What a line drains by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DrainTerms {
    /// The front of the line moves.
    pub moves: bool,
    /// The rate in force.
    pub rate_per_min: u32,
    /// Between which it may move by itself.
    pub auto: Option<AutoLimits>,
    /// Most fans inside at a time.
    pub active_cap: u32,
    /// The longest that one fan takes up a slot, in seconds: claim window and session.
    pub stay_max_s: u32,
}

/// How long the line takes to drain.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "drains", rename_all = "snake_case")]
pub enum Drain {
    /// No one waits.
    Empty,
    /// The last one who waits now has their turn within this range.
    Within(EtaRange),
    /// It stands still: no one is admitted.
    Never,
}

/// A change that is not made, and what it would do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WhatIf {
    /// What would change, as the log would say it: JSON.
    pub change: String,
    /// Places in line.
    pub waiting: u64,
    /// As everything stands.
    pub now: Drain,
    /// After the change.
    pub then: Drain,
}

impl LineNow {
    /// How long the line takes to drain as everything stands.
    pub fn drain(self, now: DrainTerms) -> Drain {
        self.drain_by(now, self.observed_per_min, self.stay_s())
    }

    /// How long it would take after a change from `now` to `then`.
    pub fn drain_after(self, now: DrainTerms, then: DrainTerms) -> Drain {
        if now == then {
            return self.drain(now);
        }
        let stay_s = self.stay_s().map(|stay| stay.min(u64::from(then.stay_max_s)).max(1));
        self.drain_by(then, self.predicted_per_min(now, then, stay_s), stay_s)
    }

    /// How long a fan stays inside, by what is seen now.
    fn stay_s(self) -> Option<u64> {
        (self.inside * 60).checked_div(u64::from(self.observed_per_min)).filter(|stay| *stay > 0)
    }

    /// The pace after a change: that of the rate where the cap held the line up, in proportion to it otherwise; never more than the cap
    /// lets through.
    fn predicted_per_min(self, now: DrainTerms, then: DrainTerms, stay_s: Option<u64>) -> u32 {
        if self.observed_per_min == 0 || now.rate_per_min == 0 {
            return 0;
        }
        let cap_reached = self.inside * 100 >= u64::from(now.active_cap) * CAP_REACHED_PERCENT;
        let (observed, rate) = (u64::from(self.observed_per_min), u64::from(then.rate_per_min));
        let by_rate = if cap_reached { rate } else { observed * rate / u64::from(now.rate_per_min) };
        let by_cap = stay_s.map_or(u64::MAX, |stay| u64::from(then.active_cap) * 60 / stay);
        u32::try_from(by_rate.min(by_cap).max(1)).unwrap_or(u32::MAX)
    }

    fn drain_by(self, terms: DrainTerms, pace_per_min: u32, stay_s: Option<u64>) -> Drain {
        let Some(ahead) = self.waiting.checked_sub(1) else { return Drain::Empty };
        let Some(model) = EtaModel::of_rate(terms.rate_per_min, 0).filter(|_| terms.moves) else { return Drain::Never };
        let mut range = model.observe(pace_per_min, 0).eta(ahead, true).range();
        if let Some(AutoLimits { low_per_min, high_per_min }) = terms.auto {
            // The pipeline decides: as late as at the lower limit, as early as at the upper one.
            let at = |rate| EtaModel::of_rate(rate, 0).map(|model| model.observe(rate, 0).eta(ahead, true).range());
            range.to_s = at(low_per_min).map_or(range.to_s, |low| range.to_s.max(low.to_s));
            range.from_s = at(high_per_min).map_or(range.from_s, |high| range.from_s.min(high.from_s));
        }
        // Whoever stays as long as they may lets so few through; whoever stays as long as now, so many.
        let cap = u64::from(terms.active_cap);
        let slots_s = |stay_s: u64| self.waiting.div_ceil(cap.max(1)).saturating_sub(1).saturating_mul(stay_s);
        if stay_s.is_none() {
            range.to_s = range.to_s.max(slots_s(terms.stay_max_s.into()));
        }
        Drain::Within(EtaRange { to_s: range.to_s.max(range.from_s), ..range })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: DrainTerms = DrainTerms { moves: true, rate_per_min: 600, auto: None, active_cap: 2_000, stay_max_s: 720 };
    /// By the rate: 500 are inside for 50 s each.
    const LINE: LineNow = LineNow { waiting: 6_000, inside: 500, observed_per_min: 600 };

    fn range(drain: Drain) -> (u64, u64) {
        match drain {
            Drain::Within(EtaRange { from_s, to_s }) => (from_s, to_s),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_change_moves_the_time_as_the_model_says() {
        let full = LineNow { inside: 2_000, observed_per_min: 300, ..LINE };
        let slow = DrainTerms { rate_per_min: 300, ..OPEN };
        let wide = DrainTerms { active_cap: 4_000, ..OPEN };
        let brief = DrainTerms { stay_max_s: 200, ..OPEN };
        for (what, line, then, expected) in [
            ("nothing", LINE, OPEN, (480, 1_200)),
            ("half the rate", LINE, slow, (960, 2_400)),
            ("a cap that holds no one up", LINE, wide, (480, 1_200)),
            ("a cap of a tenth: 50 s each, 240 a minute", LINE, DrainTerms { active_cap: 200, ..OPEN }, (1_000, 3_000)),
            ("held up by the cap: 400 s each", full, OPEN, (800, 1_200)),
            ("the cap doubled: the rate", full, wide, (480, 1_200)),
            ("half the rate, which is what the cap lets through", full, slow, (960, 2_400)),
            ("half the stay: the rate", full, brief, (480, 1_200)),
        ] {
            assert_eq!(range(line.drain_after(OPEN, then)), expected, "{what}");
        }
    }

    #[test]
    fn what_is_not_seen_is_told_by_rate_cap_and_session_alone() {
        let unseen = LineNow { observed_per_min: 0, inside: 0, ..LINE };
        assert_eq!(range(unseen.drain(OPEN)), (480, 1_440), "three crowds of 2,000, the last after 2 × 720 s");
        assert_eq!(range(unseen.drain_after(OPEN, DrainTerms { active_cap: 600, ..OPEN })), (480, 6_480));
    }

    #[test]
    fn an_automatic_rate_is_between_its_limits() {
        let auto = Some(AutoLimits { low_per_min: 60, high_per_min: 6_000 });
        let (from_s, to_s) = range(LINE.drain_after(OPEN, DrainTerms { auto, rate_per_min: 3_030, ..OPEN }));
        assert_eq!((from_s, to_s), (48, 12_000));
    }

    #[test]
    fn a_line_that_stands_still_never_drains_and_an_empty_one_has() {
        for (line, then, expected) in [
            (LINE, DrainTerms { moves: false, ..OPEN }, Drain::Never),
            (LINE, DrainTerms { rate_per_min: 0, ..OPEN }, Drain::Never),
            (LineNow { waiting: 0, ..LINE }, DrainTerms { moves: false, ..OPEN }, Drain::Empty),
        ] {
            assert_eq!(line.drain_after(OPEN, then), expected);
        }
        let paused = DrainTerms { moves: false, ..OPEN };
        assert_eq!(range(LineNow { observed_per_min: 0, ..LINE }.drain_after(paused, OPEN)).0, 480, "it goes on");
    }
}
