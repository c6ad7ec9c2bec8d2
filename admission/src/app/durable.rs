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
    pub(super) fn note(&mut self, worked: bool) -> bool {
        let was_failing = self.since.is_some();
        match (worked, was_failing) {
            (true, _) => self.since = None,
            (false, false) => self.since = Some(Instant::now()),
            (false, true) => {}
        }
        worked == was_failing
    }

    /// It works, or has failed for less than `grace`.
    pub(super) fn tolerable(&self, grace: Duration) -> bool {
        self.since.is_none_or(|since| since.elapsed() < grace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_grace_runs_from_the_first_failure_until_something_works() {
        let grace = Duration::from_secs(5);
        let mut failing = Failing::not();
        assert!(failing.tolerable(Duration::ZERO));
        assert!(failing.note(false), "it began to fail");
        assert!(failing.tolerable(grace) && !failing.tolerable(Duration::ZERO));
        tokio::time::advance(Duration::from_secs(4)).await;
        assert!(!failing.note(false), "it goes on failing");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!failing.tolerable(grace));
        assert!(failing.note(true), "it works again");
        assert!(failing.tolerable(Duration::ZERO));
    }
}
