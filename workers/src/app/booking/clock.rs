//! The database's clock without asking it: as it was read last, and what has passed since by the monotonic clock.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

/// See the module. Never goes back, and counts in microseconds, as the database does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    read: Timestamp,
    at: Instant,
    latest: Timestamp,
}

impl Clock {
    /// The database's clock was read in this moment.
    pub(super) fn new(read: Timestamp) -> Self {
        Self { read, at: Instant::now(), latest: read }
    }

    /// The database's clock was read again.
    pub(super) fn set(&mut self, read: Timestamp) {
        (self.read, self.at) = (read, Instant::now());
    }

    /// What it shows now.
    pub(super) fn now(&mut self) -> Timestamp {
        let passed = SignedDuration::try_from(self.at.elapsed()).unwrap_or(SignedDuration::ZERO);
        let now = self.read.checked_add(passed).unwrap_or(self.read);
        let whole = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
        self.latest = self.latest.max(whole);
        self.latest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shows_the_databases_time_and_never_goes_back() {
        let minute = SignedDuration::from_mins(1);
        // Another century than ours, or any machine's.
        let read = Timestamp::from_second(978_307_200).unwrap();
        let mut clock = Clock::new(read);
        let first = clock.now();
        assert!(first >= read && first < read + minute, "{first}");
        clock.set(read + minute);
        let later = clock.now();
        assert!(later >= read + minute && later < read + 2 * minute, "{later}");
        clock.set(read);
        assert_eq!(clock.now(), later);
    }
}
