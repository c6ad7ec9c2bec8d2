//! How a lane does, as its owner sees it: what the automatic rate of waiting rooms is steered by.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use goticket_domain::queue::Health;

/// What is older says nothing about now.
const WINDOW: Duration = Duration::from_secs(10);
/// Commits that are remembered: more than a lane makes in that time, and so few that they are sorted at once.
const COMMITS_MAX: usize = 2_000;

/// What is told of one lane; kept by whoever owns it, read by whoever tells it.
#[derive(Debug, Default)]
pub struct LaneHealth(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// Since when the oldest undecided request is in hand, and how old it was then.
    in_hand: Option<(Instant, Duration)>,
    /// The oldest one since this was read last.
    oldest: Duration,
    committing: Option<Instant>,
    commits: VecDeque<(Instant, Duration)>,
    /// How many were decided, and how many attempts failed.
    attempts: VecDeque<(Instant, u64, u64)>,
}

/// A commit that is being made, as long as this lives.
#[derive(Debug)]
pub(super) struct Committing<'a>(&'a LaneHealth);

impl LaneHealth {
    /// Something is in hand; its oldest request is so old.
    pub(crate) fn takes(&self, age: Duration) {
        let mut seen = self.seen();
        seen.in_hand = Some((Instant::now(), age));
        seen.oldest = seen.oldest.max(age);
    }

    /// Nothing is in hand any more.
    pub(crate) fn is_idle(&self) {
        let mut seen = self.seen();
        seen.oldest = seen.age(Instant::now());
        seen.in_hand = None;
    }

    pub(super) fn commits(&self) -> Committing<'_> {
        self.seen().committing = Some(Instant::now());
        Committing(self)
    }

    pub(super) fn attempted(&self, decided: usize, failed: usize) {
        let mut seen = self.seen();
        let now = Instant::now();
        seen.forget(now);
        seen.attempts.push_back((now, decided as u64, failed as u64));
    }

    /// How the lane does now, and did since this was asked last.
    pub fn read(&self) -> Health {
        self.seen().read(Instant::now())
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Committing<'_> {
    fn drop(&mut self) {
        let mut seen = self.0.seen();
        let now = Instant::now();
        if let Some(begun) = seen.committing.take() {
            seen.forget(now);
            seen.commits.push_back((now, now.saturating_duration_since(begun)));
        }
    }
}

impl Seen {
    fn forget(&mut self, now: Instant) {
        let is_old = |at: &Instant| now.saturating_duration_since(*at) > WINDOW;
        while self.commits.front().is_some_and(|(at, _)| is_old(at)) || self.commits.len() >= COMMITS_MAX {
            self.commits.pop_front();
        }
        while self.attempts.front().is_some_and(|(at, ..)| is_old(at)) || self.attempts.len() >= COMMITS_MAX {
            self.attempts.pop_front();
        }
    }

    fn age(&self, now: Instant) -> Duration {
        let age = self.in_hand.map(|(since, age)| age + now.saturating_duration_since(since));
        age.unwrap_or_default().max(self.oldest)
    }

    fn read(&mut self, now: Instant) -> Health {
        self.forget(now);
        let queue_age = self.age(now);
        self.oldest = Duration::ZERO;
        // One that hangs is as slow as it is by now.
        let hanging = self.committing.map(|begun| now.saturating_duration_since(begun));
        let mut commits: Vec<Duration> = self.commits.iter().map(|(_, took)| *took).chain(hanging).collect();
        commits.sort_unstable();
        let slowest_percent = commits.len() / 100;
        let commit = commits.iter().rev().nth(slowest_percent).copied().unwrap_or_default();
        let (decided, failed) =
            self.attempts.iter().fold((0, 0), |(all, bad), (_, decided, failed)| (all + decided, bad + failed));
        let errors_per_million = (failed * 1_000_000).checked_div(decided + failed).unwrap_or_default();
        Health {
            queue_age_ms: millis(queue_age),
            commit_ms: millis(commit),
            errors_per_million: u32::try_from(errors_per_million).unwrap_or(u32::MAX),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn ago(ms: u64) -> Instant {
        Instant::now().checked_sub(Duration::from_millis(ms)).unwrap()
    }

    fn read(seen: Seen) -> Health {
        LaneHealth(Mutex::new(seen)).read()
    }

    #[test]
    fn the_oldest_request_is_told_while_it_is_in_hand_and_once_after() {
        let health = LaneHealth::default();
        assert_eq!(health.read().queue_age_ms, 0);
        health.takes(Duration::from_secs(3));
        assert!((3_000..4_000).contains(&health.read().queue_age_ms));
        health.takes(Duration::from_secs(2));
        health.is_idle();
        assert!((2_000..3_000).contains(&health.read().queue_age_ms), "decided since it was read last");
        assert_eq!(health.read().queue_age_ms, 0);
        let hangs = Seen { in_hand: Some((ago(5_000), Duration::from_secs(1))), ..Seen::default() };
        assert!((6_000..7_000).contains(&read(hangs).queue_age_ms));
    }

    #[test]
    fn commits_are_told_by_their_slowest_hundredth_and_one_that_hangs_with_them() {
        let commits = |of: &[u64]| of.iter().map(|ms| (Instant::now(), Duration::from_millis(*ms))).collect();
        let fast_and = |slow: &[u64]| commits(&[slow, &[5; 98]].concat());
        for (what, commits, committing, expected) in [
            ("none", VecDeque::new(), None, 0..=0),
            ("few", commits(&[5, 900, 7]), None, 900..=900),
            ("the slowest of a few more", fast_and(&[900]), None, 900..=900),
            ("the second slowest of a hundred", fast_and(&[900, 300]), None, 300..=300),
            ("one that hangs", commits(&[5]), Some(ago(2_000)), 2_000..=3_000),
            ("long ago", VecDeque::from([(ago(11_000), Duration::from_secs(9))]), None, 0..=0),
        ] {
            let told = read(Seen { committing, commits, ..Seen::default() }).commit_ms;
            assert!(expected.contains(&told), "{what}: {told}");
        }
    }

    #[test]
    fn what_failed_is_told_as_a_share_of_the_last_seconds() {
        for (attempts, expected) in [
            (vec![], 0),
            (vec![(ago(0), 999, 0), (ago(0), 0, 1)], 1_000),
            (vec![(ago(0), 0, 64)], 1_000_000),
            (vec![(ago(11_000), 0, 64), (ago(0), 3, 1)], 250_000),
        ] {
            assert_eq!(read(Seen { attempts: attempts.into(), ..Seen::default() }).errors_per_million, expected);
        }
    }
}
