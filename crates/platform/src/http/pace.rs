//! How fast something has to come, or to be taken.

use std::time::Duration;

use tokio::time::Instant;

/// A deadline that moves on with what is transferred: never further than its patience ahead, and by no more than that took at the least
/// rate. So neither a pause nor a drip holds what waits for it, and whoever was fast before has no time in store.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    patience: Duration,
    bytes_per_s: u32,
    deadline: Instant,
}

impl Pace {
    /// Begins now.
    pub fn begin(now: Instant, patience: Duration, bytes_per_s: u32) -> Self {
        Self { patience, bytes_per_s, deadline: now + patience }
    }

    /// So many bytes have come, or are gone.
    pub fn moved(&mut self, now: Instant, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let earned = Duration::from_secs(bytes.into()) / self.bytes_per_s.max(1);
        self.deadline = (self.deadline + earned).min(now + self.patience);
    }

    /// When it is over, unless more moves.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_a_pause_nor_a_drip_holds_and_a_stream_goes_on() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        // (second, bytes) that move; when it is over, in tenths of seconds. 100 bytes a second, and 5 seconds' patience.
        let rows: [(&[(u64, usize)], u64); 6] = [
            (&[], 50),
            (&[(4, 100)], 60),
            (&[(1, 10), (2, 10), (3, 10), (4, 10)], 54),
            (&[(4, 1_000_000)], 90),
            (&[(4, 400), (8, 400), (12, 400)], 170),
            (&[(1, 1_000_000), (5, 10), (5, 90)], 70),
        ];
        for (moved, over) in rows {
            let mut pace = Pace::begin(begun, Duration::from_secs(5), 100);
            for (second, bytes) in moved {
                assert!(pace.deadline() > at(*second), "{moved:?}");
                pace.moved(at(*second), *bytes);
            }
            assert_eq!(pace.deadline(), begun + Duration::from_millis(over * 100), "{moved:?}");
        }
    }
}
