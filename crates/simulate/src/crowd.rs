//! What fans are like: who comes when called, and how long they take.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, LogNormal};

use crate::scenario::Scenario;

/// How many standard deviations the 90th percentile of a normal distribution is from its middle.
const P90_SIGMAS: f64 = 1.281_551_565_544_6;
/// From reading that it is one's turn until one has claimed it, in milliseconds.
const REACTION_MS: i64 = 1_000;
/// Who comes back after their turn passed does so within this, in milliseconds.
const RETURN_MAX_MS: i64 = 300_000;

/// Who consumes randomness: each has a stream of its own, so that one that takes more leaves the others as they are.
#[derive(Clone, Copy)]
pub(crate) enum Stream {
    Draw,
    Places,
    Habits,
    Faults,
    Returns,
}

pub(crate) fn stream(seed: u64, stream: Stream) -> ChaCha8Rng {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    dice.set_stream(stream as u64);
    dice
}

/// How fans behave whose turn has come, one after the other.
pub(crate) struct Crowd {
    dice: ChaCha8Rng,
    no_show_share: f64,
    buy_share: f64,
    return_share: f64,
    returns: ChaCha8Rng,
    booking_s: LogNormal<f64>,
}

/// What one of them will do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habit {
    /// When they claim, after the board told their turn; none who never do.
    pub(crate) claims_after_ms: Option<i64>,
    /// From the claim until they have booked, or gone.
    pub(crate) decides_after_ms: i64,
    pub(crate) buys: bool,
}

impl Crowd {
    #[expect(clippy::expect_used, reason = "the scenario was checked")]
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let booking = &scenario.booking;
        let sigma = (booking.p90_s / booking.median_s).ln() / P90_SIGMAS;
        Self {
            dice: stream(scenario.seed, Stream::Habits),
            no_show_share: scenario.no_show_share,
            buy_share: booking.buy_share,
            return_share: scenario.return_share,
            returns: stream(scenario.seed, Stream::Returns),
            booking_s: LogNormal::new(booking.median_s.ln(), sigma).expect("a median above 0 and a p90 not below it"),
        }
    }

    /// After how long one comes back whose turn passed; none who do not.
    pub(crate) fn returns_after_ms(&mut self) -> Option<i64> {
        let (comes, after_ms) = (self.returns.random_bool(self.return_share), self.returns.random_range(0..=RETURN_MAX_MS));
        comes.then_some(after_ms)
    }

    /// The next one, who was told at most this interval between polls.
    pub(crate) fn next(&mut self, poll_ms: u64) -> Habit {
        let comes = !self.dice.random_bool(self.no_show_share);
        let until_poll_ms = self.dice.random_range(0..=i64::try_from(poll_ms).unwrap_or(i64::MAX - REACTION_MS));
        #[expect(clippy::cast_possible_truncation, reason = "some seconds")]
        let decides_after_ms = (self.booking_s.sample(&mut self.dice) * 1_000.0) as i64;
        let buys = self.dice.random_bool(self.buy_share);
        Habit { claims_after_ms: comes.then_some(until_poll_ms + REACTION_MS), decides_after_ms, buys }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_as_the_scenario_says() {
        let mut crowd = Crowd::new(&Scenario::default());
        let mut habits: Vec<Habit> = (0..10_000).map(|_| crowd.next(2_000)).collect();
        let about = |count: usize, expected: usize| count.abs_diff(expected) < 200;
        assert!(about(habits.iter().filter(|habit| habit.claims_after_ms.is_none()).count(), 1_000));
        assert!(about(habits.iter().filter(|habit| habit.buys).count(), 8_000));
        assert!(habits.iter().filter_map(|habit| habit.claims_after_ms).all(|ms| (1_000..=3_000).contains(&ms)));
        habits.sort_by_key(|habit| habit.decides_after_ms);
        let (median, p90) = (habits[5_000].decides_after_ms, habits[9_000].decides_after_ms);
        assert!((85_000..95_000).contains(&median) && (225_000..255_000).contains(&p90), "{median} {p90}");
    }
}
