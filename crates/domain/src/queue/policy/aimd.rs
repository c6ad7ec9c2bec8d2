//! The automatic rate: as many as the booking pipeline can take.
//!
//! Additive increase, multiplicative decrease, as TCP does it (RFC 5681): while the pipeline is calm the rate rises evenly, when it is
//! strained the rate falls at once. Between calm and strained it stays, so that it does not swing around one threshold. Fans ask for
//! seats a minute or two after their turn, so what was admitted already still comes: a cut is given time to show, and there is no
//! further one while the queue gets shorter.
//!
//! What to expect, between limits that are at most ten times apart: where fans ask for seats at once, the rate stays between 40 % and
//! 150 % of what the pipeline can do. The longer they take the lower it falls before it learns that it fell enough. From the lower limit to the upper one takes five minutes of calm.

use serde::{Deserialize, Serialize};

/// Between two steps upwards, in milliseconds.
const RAISE_EVERY_MS: i64 = 1_000;
/// Steps from the lower limit to the upper one.
const RAISE_STEPS: u32 = 300;
/// Between a cut and the next step, in milliseconds: a queue shows it only later.
const CUT_EVERY_MS: i64 = 15_000;
/// What is left of the rate after a cut, in per cent.
const CUT_TO_PERCENT: u64 = 70;

/// Where a pipeline ceases to be calm, and where it begins to be strained.
struct Thresholds {
    calm: Health,
    strained: Health,
}

const THRESHOLDS: Thresholds = Thresholds {
    calm: Health { queue_age_ms: 500, commit_ms: 50, errors_per_million: 1_000 },
    strained: Health { queue_age_ms: 2_000, commit_ms: 250, errors_per_million: 10_000 },
};

/// Between which the rate moves, in admissions per minute.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AutoLimits {
    /// The lowest.
    pub low_per_min: u32,
    /// The highest; not below the lowest.
    pub high_per_min: u32,
}

/// How the booking pipeline does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Health {
    /// Age of the oldest request that is not decided.
    pub queue_age_ms: u64,
    /// How long a commit takes (p99).
    pub commit_ms: u64,
    /// Of a million requests, how many failed by our fault.
    pub errors_per_million: u32,
}

impl Health {
    /// Any of it is so bad that the rate falls.
    pub fn is_strained(self) -> bool {
        self.reaches(THRESHOLDS.strained)
    }

    /// Any of it reaches the other.
    fn reaches(self, other: Self) -> bool {
        self.queue_age_ms >= other.queue_age_ms
            || self.commit_ms >= other.commit_ms
            || self.errors_per_million >= other.errors_per_million
    }
}

/// The rate in force, and until when it stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AutoRate {
    per_min: u32,
    stays_until_ms: i64,
    /// At the last look.
    queue_age_ms: u64,
}

impl AutoLimits {
    /// The rate in force between them, as it was left, or where it begins: for whoever does not move it.
    pub fn in_force(self, rate: Option<AutoRate>) -> u32 {
        let per_min = rate.unwrap_or_else(|| AutoRate::start(self, 0)).per_min;
        per_min.clamp(self.low_per_min, self.high_per_min.max(self.low_per_min))
    }
}

impl AutoRate {
    /// Begins in the middle: the upper limit may be too much, and the lower one keeps a line waiting for nothing.
    pub fn start(limits: AutoLimits, now_ms: i64) -> Self {
        let per_min = limits.low_per_min + limits.high_per_min.saturating_sub(limits.low_per_min) / 2;
        Self { per_min, stays_until_ms: now_ms.saturating_add(RAISE_EVERY_MS), queue_age_ms: 0 }
    }

    /// As an owner before has left it: this rate, which stays until then.
    pub fn resume(per_min: u32, stays_until_ms: i64) -> Self {
        Self { per_min, stays_until_ms, queue_age_ms: 0 }
    }

    /// The rate in force, in admissions per minute.
    pub fn per_min(self) -> u32 {
        self.per_min
    }

    /// Until when it stays, in Unix milliseconds.
    pub fn stays_until_ms(self) -> i64 {
        self.stays_until_ms
    }

    /// The rate after a look at the pipeline; it stays where no one knows how the pipeline does. One look is one step at most, however
    /// much time has passed.
    #[must_use]
    pub fn step(self, limits: AutoLimits, health: Option<Health>, now_ms: i64) -> Self {
        let (min, max) = (limits.low_per_min, limits.high_per_min.max(limits.low_per_min));
        let per_min = self.per_min.clamp(min, max);
        let Some(health) = health else { return Self { per_min, ..self } };
        let seen = Self { per_min, queue_age_ms: health.queue_age_ms, ..self };
        let shortens = health.queue_age_ms < self.queue_age_ms;
        if now_ms < self.stays_until_ms {
            seen
        } else if health.is_strained() && !shortens {
            let cut = u64::from(per_min) * CUT_TO_PERCENT / 100;
            let per_min = u32::try_from(cut).unwrap_or(u32::MAX).max(min);
            Self { per_min, stays_until_ms: now_ms.saturating_add(CUT_EVERY_MS), ..seen }
        } else if health.reaches(THRESHOLDS.calm) {
            seen
        } else {
            let step = ((max - min) / RAISE_STEPS).max(1);
            let per_min = per_min.saturating_add(step).min(max);
            Self { per_min, stays_until_ms: now_ms.saturating_add(RAISE_EVERY_MS), ..seen }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: AutoLimits = AutoLimits { low_per_min: 600, high_per_min: 6_600 };
    const CALM: Health = Health { queue_age_ms: 0, commit_ms: 0, errors_per_million: 0 };

    #[test]
    fn the_rate_follows_the_pipeline() {
        let rate = AutoRate { per_min: 1_000, stays_until_ms: 0, queue_age_ms: 0 };
        for (what, health, expected) in [
            ("calm", Some(CALM), 1_020),
            ("just calm", Some(Health { queue_age_ms: 499, commit_ms: 49, errors_per_million: 999 }), 1_020),
            ("no longer calm", Some(Health { queue_age_ms: 500, ..CALM }), 1_000),
            ("slow commits", Some(Health { commit_ms: 50, ..CALM }), 1_000),
            ("errors", Some(Health { errors_per_million: 1_000, ..CALM }), 1_000),
            ("just not strained", Some(Health { queue_age_ms: 1_999, commit_ms: 249, errors_per_million: 9_999 }), 1_000),
            ("strained by age", Some(Health { queue_age_ms: 2_000, ..CALM }), 700),
            ("by commits", Some(Health { commit_ms: 250, ..CALM }), 700),
            ("by errors", Some(Health { errors_per_million: 10_000, ..CALM }), 700),
            ("unknown", None, 1_000),
        ] {
            assert_eq!(rate.step(LIMITS, health, 0).per_min(), expected, "{what}");
        }
    }

    #[test]
    fn a_cut_is_given_time_to_show() {
        let strained = Some(THRESHOLDS.strained);
        let cut = AutoRate { per_min: 2_000, stays_until_ms: 0, queue_age_ms: 0 }.step(LIMITS, strained, 0);
        for (now_ms, expected) in [(14_999, 1_400), (15_000, 980), (-60_000, 1_400), (3_600_000, 980)] {
            assert_eq!(cut.step(LIMITS, strained, now_ms).per_min(), expected, "{now_ms}");
        }
        assert_eq!(cut.step(LIMITS, Some(CALM), 14_999).per_min(), 1_400, "nor is it taken back at once");
    }

    #[test]
    fn a_queue_that_gets_shorter_is_left_to_it() {
        let aged = |queue_age_ms| Some(Health { queue_age_ms, ..CALM });
        let rate = AutoRate { per_min: 2_000, stays_until_ms: 0, queue_age_ms: 9_000 };
        assert_eq!(rate.step(LIMITS, aged(8_999), 0).per_min(), 2_000);
        assert_eq!(rate.step(LIMITS, aged(9_000), 0).per_min(), 1_400);
        assert_eq!(rate.step(LIMITS, aged(8_999), 0).step(LIMITS, aged(8_999), 1_000).per_min(), 1_400, "it does no longer");
    }

    #[test]
    fn new_limits_are_kept_at_once() {
        let rate = AutoRate { per_min: 6_000, stays_until_ms: i64::MAX, queue_age_ms: 0 };
        assert_eq!(rate.step(AutoLimits { low_per_min: 10, high_per_min: 100 }, None, 0).per_min(), 100);
        assert_eq!(rate.step(AutoLimits { low_per_min: 9_000, high_per_min: 9_900 }, None, 0).per_min(), 9_000);
    }

    #[test]
    fn everyone_knows_the_rate_in_force_and_its_limits() {
        let left = |per_min| Some(AutoRate::resume(per_min, 0));
        for (rate, expected) in [(None, 3_600), (left(700), 700), (left(10), 600), (left(9_000), 6_600)] {
            assert_eq!(LIMITS.in_force(rate), expected, "{rate:?}");
        }
        let strained = Some(THRESHOLDS.strained);
        let cut = AutoRate::start(LIMITS, 0).step(LIMITS, strained, 2_000);
        let taken_over = AutoRate::resume(cut.per_min(), cut.stays_until_ms());
        assert_eq!(taken_over.step(LIMITS, strained, 16_999).per_min(), 2_520, "a successor gives the cut its time, too");
        assert_eq!(taken_over.step(LIMITS, strained, 17_000).per_min(), 1_764);
    }

    #[test]
    fn an_unchanging_pipeline_brings_an_unchanging_rate() {
        for (health, settled) in [(CALM, 6_600), (THRESHOLDS.calm, 3_600), (THRESHOLDS.strained, 600)] {
            let mut rate = AutoRate::start(LIMITS, 0);
            for second in 0..600 {
                rate = rate.step(LIMITS, Some(health), second * 1_000);
                assert!(second < 300 || rate.per_min() == settled, "{health:?} after {second} s: {rate:?}");
            }
        }
    }

    /// A pipeline that decides so many a minute, each fan asking once. Returns the lowest and highest rate of each minute.
    fn driven(limits: AutoLimits, capacity_per_min: impl Fn(i64) -> u32, minutes: i64) -> Vec<(u32, u32)> {
        let (mut rate, mut queue) = (AutoRate::start(limits, 0), 0.0f64);
        let mut bands = Vec::new();
        for minute in 0..minutes {
            let mut band = (u32::MAX, 0);
            for second in minute * 60..(minute + 1) * 60 {
                let capacity = f64::from(capacity_per_min(minute)) / 60.0;
                queue = (queue + f64::from(rate.per_min()) / 60.0 - capacity).max(0.0);
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an age of seconds")]
                let queue_age_ms = (queue / capacity * 1_000.0) as u64;
                rate = rate.step(limits, Some(Health { queue_age_ms, ..CALM }), second * 1_000);
                band = (band.0.min(rate.per_min()), band.1.max(rate.per_min()));
            }
            bands.push(band);
        }
        bands
    }

    #[test]
    fn a_pipeline_that_slows_down_is_followed_and_its_recovery_too() {
        let bands = driven(LIMITS, |minute| if (10..20).contains(&minute) { 1_500 } else { 5_000 }, 30);
        let within = |capacity: u32, (low, high): (u32, u32)| low * 10 >= capacity * 4 && high * 10 <= capacity * 15;
        for (minute, band) in bands.iter().enumerate() {
            let (fine, capacity) = match minute {
                0..=2 | 10..=11 | 20..=23 => continue,
                12..=19 => (within(1_500, *band), 1_500),
                _ => (within(5_000, *band), 5_000),
            };
            assert!(fine, "minute {minute}: {band:?} for {capacity}");
        }
    }

    proptest! {
        #[test]
        fn no_pipeline_drives_the_rate_beyond_its_limits(
            min in 0u32..10_000, more in 0u32..600_000,
            looks in prop::collection::vec((prop::option::of((0u64..4_000, 0u64..500, 0u32..20_000)), -5_000i64..20_000), 1..200),
        ) {
            let limits = AutoLimits { low_per_min: min, high_per_min: min + more };
            let (mut rate, mut now_ms) = (AutoRate::start(limits, 0), 0);
            for (seen, passed_ms) in looks {
                now_ms += passed_ms;
                let health =
                    seen.map(|(queue_age_ms, commit_ms, errors_per_million)| Health { queue_age_ms, commit_ms, errors_per_million });
                rate = rate.step(limits, health, now_ms);
                prop_assert!((limits.low_per_min..=limits.high_per_min).contains(&rate.per_min()));
            }
            for second in 1..=700 {
                rate = rate.step(limits, Some(CALM), now_ms + 20_000 + second * 1_000);
            }
            prop_assert_eq!(rate.per_min(), limits.high_per_min, "it recovers");
        }

        /// Whatever the pipeline can do between the limits, the rate stays in the band around it.
        #[test]
        fn the_rate_stays_in_its_band(min in 60u32..6_000, times in 2u32..=10, share in 10u32..=100) {
            let limits = AutoLimits { low_per_min: min, high_per_min: min * times };
            let capacity = min + (limits.high_per_min - min) * share / 100;
            for (low, high) in driven(limits, |_| capacity, 20).split_off(4) {
                prop_assert!(low * 10 >= capacity * 4 && high * 10 <= capacity * 15, "{} to {} around {}", low, high, capacity);
            }
        }
    }
}
