//! Decisions per second of a run, and whether it lasts: a rate that falls while the tables fill is not a rate.

use std::{fmt, time::Duration};

/// The last full second must reach so much of the first.
const LASTING_MIN: f64 = 0.9;

/// A first and a last second.
const SECONDS_MIN: usize = 2;

/// Counts while a run goes on.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    seconds: Vec<f64>,
}

/// Decisions in each full second of a run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rates(pub Vec<f64>);

/// A rate that says nothing about the next second.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Unsteady {
    TooShort { seconds: usize },
    SlowsDown { first: f64, last: f64 },
}

impl Counter {
    /// So many were decided between two moments after the start. They count evenly for the time between: a batch that straddles two
    /// seconds is not the second one's alone.
    pub(crate) fn add(&mut self, from: Duration, until: Duration, decided: u64) {
        let (from, until) = (from.as_secs_f64(), until.as_secs_f64());
        let last = until.floor();
        let mut second = from.floor();
        while second <= last {
            let inside = until.min(second + 1.0) - from.max(second);
            let share = if until > from { inside / (until - from) } else { 1.0 };
            self.add_to(second, share * count(decided));
            second += 1.0;
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a second of a run, rounded down")]
    fn add_to(&mut self, second: f64, decided: f64) {
        let second = second as usize;
        if self.seconds.len() <= second {
            self.seconds.resize(second + 1, 0.0);
        }
        self.seconds[second] += decided;
    }

    /// The run ended after `elapsed`; its last second is left out unless it is full.
    pub(crate) fn finish(mut self, elapsed: Duration) -> Rates {
        let full = usize::try_from(elapsed.as_secs()).unwrap_or_default();
        self.seconds.resize(full, 0.0);
        Rates(self.seconds)
    }
}

impl Rates {
    pub(crate) fn check(&self) -> Result<(), Unsteady> {
        let [first, .., last] = self.0[..] else { return Err(Unsteady::TooShort { seconds: self.0.len() }) };
        if last < LASTING_MIN * first { Err(Unsteady::SlowsDown { first, last }) } else { Ok(()) }
    }
}

impl fmt::Display for Unsteady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { seconds } => {
                write!(f, "too short to say whether it lasts: {seconds} full seconds of at least {SECONDS_MIN}")
            }
            Self::SlowsDown { first, last } => {
                write!(
                    f,
                    "slows down: {last:.0} in its last second, {first:.0} in its first (at least {LASTING_MIN} of it must be left)"
                )
            }
        }
    }
}

/// As a floating-point number: counts here stay far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "no run counts up to 2^53")]
pub(crate) fn count(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_last_second_may_be_down_to_nine_tenths_of_the_first() {
        let slow = |first, last| Err(Unsteady::SlowsDown { first, last });
        let short = |seconds| Err(Unsteady::TooShort { seconds });
        for (rates, expected) in [
            (vec![], short(0)),
            (vec![1_000.0], short(1)),
            (vec![1_000.0, 900.0], Ok(())),
            (vec![1_000.0, 899.9], slow(1_000.0, 899.9)),
            (vec![1_000.0, 0.0], slow(1_000.0, 0.0)),
            // What happens between the two is the variance's to say.
            (vec![1_000.0, 100.0, 900.0], Ok(())),
            (vec![1_000.0, 2_000.0, 899.0], slow(1_000.0, 899.0)),
            (vec![900.0, 1_000.0], Ok(())),
        ] {
            assert_eq!(Rates(rates.clone()).check(), expected, "{rates:?}");
        }
    }

    #[test]
    fn what_is_decided_counts_for_the_time_it_took() {
        let rates = |counted: &[(u64, u64, u64)], elapsed| {
            let mut counter = Counter::default();
            for &(from, until, decided) in counted {
                counter.add(ms(from), ms(until), decided);
            }
            counter.finish(ms(elapsed)).0
        };
        assert_eq!(rates(&[(0, 500, 10), (500, 1_000, 10), (1_000, 2_000, 30)], 2_000), [20.0, 30.0]);
        // Half of it lies in each second; and a quarter in the first, a half in the second, a quarter in the third.
        assert_eq!(rates(&[(500, 1_500, 100)], 2_000), [50.0, 50.0]);
        assert_eq!(rates(&[(500, 2_500, 100)], 3_000), [25.0, 50.0, 25.0]);
        // At one moment.
        assert_eq!(rates(&[(1_000, 1_000, 7)], 2_000), [0.0, 7.0]);
    }

    #[test]
    fn a_second_that_is_not_full_is_left_out() {
        let seconds = |elapsed| {
            let mut counter = Counter::default();
            counter.add(ms(0), ms(elapsed), 100);
            counter.finish(ms(elapsed)).0.len()
        };
        assert_eq!([999, 1_000, 1_999, 2_000].map(seconds), [0, 1, 1, 2]);
    }

    #[test]
    fn a_run_that_stood_still_at_its_end_slows_down() {
        let mut counter = Counter::default();
        counter.add(ms(0), ms(1_000), 100);
        let rates = counter.finish(ms(10_000));
        assert_eq!(rates.check(), Err(Unsteady::SlowsDown { first: 100.0, last: 0.0 }));
    }
}
