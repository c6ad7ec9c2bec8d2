//! The waiting rooms' boards, kept in memory: polls are answered from here without I/O.
//!
//! Only a newer board takes the place of one: what fans are told never goes back, whichever replica it comes from and however often the
//! connection is lost. One that has become stale says nothing any more, so any other takes its place.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures::StreamExt;
use goticket_domain::EventId;
use goticket_domain::queue::{PublishedBoard, WaitingRoom};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::seen_board::Seen;

/// Between two attempts to watch, growing from the first to the second.
const RETRY_MIN: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(2);

/// Why there is no board to answer from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoBoard {
    /// None has come for this event (yet).
    #[error("there is no board for this event")]
    Unknown,
    /// The waiting room is silent.
    #[error("the board is too old")]
    Stale,
}

/// All boards.
#[derive(Default)]
pub(crate) struct Boards {
    rooms: RwLock<HashMap<EventId, watch::Sender<Arc<Seen>>>>,
}

impl Boards {
    /// The event's board, if it is fresh.
    pub(crate) fn get(&self, event: EventId) -> Result<Arc<Seen>, NoBoard> {
        self.get_at(event, Instant::now())
    }

    fn get_at(&self, event: EventId, now: Instant) -> Result<Arc<Seen>, NoBoard> {
        let rooms = self.rooms.read().unwrap_or_else(PoisonError::into_inner);
        let seen = Arc::clone(&rooms.get(&event).ok_or(NoBoard::Unknown)?.borrow());
        if seen.is_fresh(now) { Ok(seen) } else { Err(NoBoard::Stale) }
    }

    /// The last board of an event whose waiting room is lost: none came for too long, or only such that say that its stores are away.
    pub(crate) fn lost(&self, event: EventId) -> Option<Arc<Seen>> {
        self.lost_at(event, Instant::now())
    }

    fn lost_at(&self, event: EventId, now: Instant) -> Option<Arc<Seen>> {
        let rooms = self.rooms.read().unwrap_or_else(PoisonError::into_inner);
        let seen = Arc::clone(&rooms.get(&event)?.borrow());
        seen.is_lost(now).then_some(seen)
    }

    /// The event's board, fresh or not, and each that takes its place. Who is slow misses those between.
    pub(crate) fn follow(&self, event: EventId) -> Result<watch::Receiver<Arc<Seen>>, NoBoard> {
        let rooms = self.rooms.read().unwrap_or_else(PoisonError::into_inner);
        rooms.get(&event).map(watch::Sender::subscribe).ok_or(NoBoard::Unknown)
    }

    /// Whether no room's board is stale: for the readiness report.
    pub(crate) fn are_fresh(&self) -> bool {
        let now = Instant::now();
        self.rooms.read().unwrap_or_else(PoisonError::into_inner).values().all(|room| room.borrow().is_fresh(now))
    }

    fn put(&self, published: &PublishedBoard, now: Instant) {
        let event = published.board.event;
        if let Some(room) = self.rooms.read().unwrap_or_else(PoisonError::into_inner).get(&event) {
            let taken = room.send_if_modified(|known| {
                let seen = Seen::new(published, now).after(known);
                let takes = seen.takes_the_place_of(known);
                if takes {
                    *known = Arc::new(seen);
                }
                takes
            });
            if !taken {
                metrics::counter!("gateway_boards_dropped_total").increment(1);
            }
            return;
        }
        // Only `watch` puts boards, one after the other.
        self.rooms
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(event, watch::Sender::new(Arc::new(Seen::new(published, now))));
    }

    /// Watches the waiting room until the process ends; a stream that breaks is opened again.
    pub(crate) async fn watch(&self, waiting_room: &dyn WaitingRoom, ending: CancellationToken) {
        let mut pause = RETRY_MIN;
        while !ending.is_cancelled() {
            match waiting_room.watch().await {
                Ok(mut boards) => {
                    while let Some(Some(board)) = ending.run_until_cancelled(boards.next()).await {
                        pause = RETRY_MIN;
                        self.put(&board, Instant::now());
                    }
                }
                Err(error) => tracing::debug!(%error, "no boards"),
            }
            if ending.run_until_cancelled(sleep(pause)).await.is_none() {
                return;
            }
            pause = (pause * 2).min(RETRY_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use goticket_domain::queue::{Board, HeldUp};
    use uuid::Uuid;

    use super::*;
    use crate::app::seen_board::STALE_AFTER;
    use crate::app::seen_board::tests::{board, published};

    /// What is shown after these have come, as (log, at).
    fn shown(boards: &Boards, coming: &[(u64, i64)], now: Instant) -> Option<(u64, i64)> {
        for (log, at) in coming {
            boards.put(&published(board(*log, *at)), now);
        }
        let seen = boards.get_at(EventId(Uuid::nil()), now).ok()?;
        Some((seen.board.log, seen.board.at.as_millisecond()))
    }

    #[test]
    fn an_older_board_never_takes_the_place_of_a_newer_one() {
        type Version = (u64, i64);
        let rows: [(&[Version], Version); 5] = [
            (&[(1, 5), (2, 6)], (2, 6)),
            (&[(2, 6), (1, 5)], (2, 6)),
            (&[(2, 6), (1, 9)], (2, 6)),
            (&[(2, 6), (2, 5), (2, 7)], (2, 7)),
            (&[(2, 6), (3, 1), (2, 8)], (3, 1)),
        ];
        for (coming, expected) in rows {
            assert_eq!(shown(&Boards::default(), coming, Instant::now()), Some(expected), "{coming:?}");
        }
    }

    #[test]
    fn the_same_board_again_makes_nothing_fresh() {
        let (boards, now) = (Boards::default(), Instant::now());
        assert_eq!(shown(&boards, &[(2, 6)], now), Some((2, 6)));
        assert_eq!(shown(&boards, &[(2, 6)], now + STALE_AFTER - Duration::from_millis(1)), Some((2, 6)));
        for coming in [&[][..], &[(2, 6)]] {
            assert_eq!(shown(&boards, coming, now + STALE_AFTER), None);
        }
    }

    #[test]
    fn when_a_board_is_stale_an_older_one_is_better_than_none() {
        let (boards, now) = (Boards::default(), Instant::now());
        shown(&boards, &[(2, 6)], now);
        // The log has gone back, or the clock has.
        assert_eq!(shown(&boards, &[(1, 7)], now + STALE_AFTER), Some((1, 7)));
        assert_eq!(shown(&boards, &[(1, 6)], now + STALE_AFTER), Some((1, 7)));
    }

    #[test]
    fn a_waiting_room_is_lost_when_it_is_silent_or_says_for_too_long_that_its_stores_are_away() {
        let (boards, begin, event) = (Boards::default(), Instant::now(), EventId(Uuid::nil()));
        let lost = |at: Instant| boards.lost_at(event, at).is_some();
        let (moment, long) = (STALE_AFTER.checked_sub(Duration::from_millis(1)).unwrap(), STALE_AFTER);
        assert!(!lost(begin), "it was never heard of");
        boards.put(&published(board(1, 1)), begin);
        assert_eq!([lost(begin + moment), lost(begin + long)], [false, true], "silence");

        let away = |at| Board { held_up_by: Some(HeldUp::StoresAway), ..board(1, at) };
        boards.put(&published(away(2)), begin + moment);
        boards.put(&published(away(3)), begin + long);
        assert!(boards.get_at(event, begin + long).is_ok(), "it is not silent");
        assert!(lost(begin + long));
        boards.put(&published(board(1, 4)), begin + long);
        assert_eq!([lost(begin + long), lost(begin + long + moment)], [false, false], "it is back");

        let closed = Board { state: goticket_domain::queue::RoomState::Closed, ..board(2, 5) };
        boards.put(&published(closed), begin + long);
        assert!(!lost(begin + long * 100), "a closed room has nothing more to say");
    }

    #[test]
    fn a_closed_rooms_board_stays() {
        let (boards, now) = (Boards::default(), Instant::now());
        let closed = Board { state: goticket_domain::queue::RoomState::Closed, ..board(2, 6) };
        boards.put(&published(closed), now);
        assert_eq!(shown(&boards, &[(1, 9)], now + STALE_AFTER * 1_000), Some((2, 6)));
    }
}
