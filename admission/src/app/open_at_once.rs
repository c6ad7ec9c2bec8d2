//! The safety net: where few come and no one waits, who joins has their turn with it, and not with the next tick.
//!
//! Whichever replica they join at asks the room's owner to tick the room now. The owner admits as always, by bucket, cap and stock; the board
//! that it makes tells the fan's replica.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use goticket_domain::EventId;
use goticket_domain::queue::{JoinedPlace, opens_at_once};
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Duration, timeout};
use tokio_util::sync::CancellationToken;

use super::WaitingRoomService;

/// How long a join waits for its turn: as long as a tick would take to come by itself.
const TURN_WAIT: Duration = Duration::from_millis(250);

/// Rooms that are to be ticked now.
#[derive(Default)]
pub(super) struct Nudges {
    rooms: Mutex<HashSet<EventId>>,
    some: Notify,
}

impl Nudges {
    pub(super) fn add(&self, event: EventId) {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner).insert(event);
        self.some.notify_one();
    }

    fn take(&self) -> HashSet<EventId> {
        std::mem::take(&mut *self.rooms.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl WaitingRoomService {
    /// Whether the turn of a place that was taken just now has come with it.
    pub(super) async fn open_at_once(&self, event: EventId, joined: &JoinedPlace) -> bool {
        let (Some(known), Some(shown)) = (self.rooms.get(event), self.boards.get(event)) else { return false };
        let (room, board) = (&known.room, &shown.board);
        let Some(score) = joined.ticket.score().filter(|_| !joined.existing && room.state.admits_fans()) else { return false };
        let joins_per_min = known.memory().arrivals.seen(known.log.now_ms(), board.admitted + board.waiting);
        if !opens_at_once(room.settings.open_below, joins_per_min, board.waiting) {
            return false;
        }
        let mut boards = self.boards.changes();
        if self.ownership.epoch(event).is_some() {
            self.nudges.add(event);
        } else if self.lines.nudge(event).await.is_err() {
            return false;
        }
        let turn = async {
            loop {
                match boards.recv().await {
                    Ok(changed) if changed.board.event != event => {}
                    Ok(changed) if changed.board.frontier.is_some_and(|frontier| score <= frontier) => return,
                    // Who is too slow for some looks at the next one.
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        timeout(TURN_WAIT, turn).await.is_ok()
    }

    /// Ticks rooms of ours as soon as somebody asks for it, until the end.
    pub(super) async fn tick_when_nudged(&self, end: CancellationToken) {
        while end.run_until_cancelled(self.nudges.some.notified()).await.is_some() {
            self.tick_nudged().await;
        }
    }

    /// Ticks the rooms of ours that were asked for.
    async fn tick_nudged(&self) {
        for event in self.nudges.take() {
            let Some(epoch) = self.ownership.epoch(event) else { continue };
            let Ok(known) = self.reread(event).await else { continue };
            if let Err(error) = self.tick_room(&known, epoch).await {
                tracing::debug!(%event, %error, "the room does not tick at once: it will with the others");
            }
        }
    }
}
