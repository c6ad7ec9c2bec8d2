//! While a store is away no owner makes boards. Every replica then repeats the last ones to whoever watches it: no one moves, no place is
//! lost, and everyone is told why.
//!
//! Nothing of this is published: who reaches the stores knows better. The next board of a room's owner is newer than what is said here.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::time::Duration;

use super::WaitingRoomService;
use super::place::at;

/// Between two looks at the stores.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);
/// So many looks in a row must fail: one answer that is late is no outage.
const FAILED_MIN: u32 = 2;

/// How many looks in a row have failed.
#[derive(Default)]
pub(super) struct Stores(AtomicU32);

impl Stores {
    /// Whether they are away, after a look.
    fn looked(&self, answered: bool) -> bool {
        if answered {
            self.0.store(0, Ordering::Relaxed);
            return false;
        }
        let failed = self.0.load(Ordering::Relaxed).saturating_add(1);
        self.0.store(failed, Ordering::Relaxed);
        failed >= FAILED_MIN
    }
}

impl WaitingRoomService {
    /// Looks whether Postgres and Redis answer. Where they do not, every board is shown again, as of now and with the reason.
    pub async fn look_after_stores(&self) {
        // Every tick reads the rooms: whether Postgres answers is known.
        let answered = !self.blind.load(Ordering::Relaxed) && self.lines.ping().await.is_ok();
        if self.stores.looked(answered)
            && let Ok(now) = at(self.rooms.now_ms())
        {
            self.boards.stand_still(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_late_answer_is_no_outage() {
        let stores = Stores::default();
        let looks = [false, true, false, false, false, true, false].map(|answered| stores.looked(answered));
        assert_eq!(looks, [false, false, false, true, true, false, false]);
    }
}
