//! Whether what we do can be made durable: while it can't, fans are admitted for a short grace only. What is admitted beyond it
//! would be forgotten together with Redis, and admitted again.

use std::time::Duration;

use tokio::time::Instant;

/// Since when a store has been failing.
#[derive(Debug)]
pub(super) struct Failing {
    since: Option<Instant>,
}

impl Failing {
    pub(super) const fn not() -> Self {
        Self { since: None }
    }

    /// Notes an attempt's outcome, and returns whether it changed from working to failing or back.
    pub(super) fn note(&mut self, worked: bool, now: Instant) -> bool {
        let was_failing = self.since.is_some();
        match (worked, was_failing) {
            (true, _) => self.since = None,
            (false, false) => self.since = Some(now),
            (false, true) => {}
        }
        worked == was_failing
    }

    /// It works, or has failed for less than `grace`.
    pub(super) fn tolerable(&self, grace: Duration, now: Instant) -> bool {
        self.since.is_none_or(|since| now - since < grace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grace_runs_from_the_first_failure_until_something_works() {
        let grace = Duration::from_secs(5);
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        let mut failing = Failing::not();
        assert!(failing.tolerable(Duration::ZERO, begin));
        assert!(failing.note(false, begin), "it began to fail");
        assert!(failing.tolerable(grace, after(4)) && !failing.tolerable(Duration::ZERO, begin));
        assert!(!failing.note(false, after(4)), "it goes on failing");
        assert!(!failing.tolerable(grace, after(5)));
        assert!(failing.note(true, after(6)), "it works again");
        assert!(failing.tolerable(Duration::ZERO, after(6)));
    }
}
