//! The waiting rooms' boards, kept in memory: polls are answered from here without I/O.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use goticket_domain::EventId;
use goticket_domain::queue::{Board, Location, PlaceId, PlaceTicket, RoomState, WaitingRoom};
use moka::sync::Cache;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// A board that was not renewed for this long is no answer any more. The waiting room repeats even unchanged ones more often.
const STALE_AFTER: Duration = Duration::from_secs(10);
/// Between two attempts to watch, growing from the first to the second.
const RETRY_MIN: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(2);

/// A board, and its JSON: the same bytes for every fan.
pub(crate) struct Seen {
    pub(crate) board: Board,
    pub(crate) json: Bytes,
    at: Instant,
}

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

/// Places remembered as put back, about 100 bytes each. Beyond it the least used are asked for again.
const PUT_BACK_MAX: u64 = 200_000;

/// All boards.
pub(crate) struct Boards {
    seen: RwLock<HashMap<EventId, Arc<Seen>>>,
    /// Places that the waiting room has put back in this epoch, so that tickets of earlier epochs cost one call, not one with every
    /// poll. Before and after the draw apart: while it is being made, nobody is put back.
    put_back: Cache<(PlaceId, u64, bool), ()>,
}

impl Default for Boards {
    fn default() -> Self {
        Self { seen: RwLock::default(), put_back: Cache::new(PUT_BACK_MAX) }
    }
}

impl Boards {
    /// The event's board, if it is fresh. A closed room's never changes again.
    pub(crate) fn get(&self, event: EventId) -> Result<Arc<Seen>, NoBoard> {
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner).get(&event).cloned().ok_or(NoBoard::Unknown)?;
        let fresh = seen.board.state == RoomState::Closed || seen.at.elapsed() < STALE_AFTER;
        if fresh { Ok(seen) } else { Err(NoBoard::Stale) }
    }

    /// Whether the place of this ticket may have been lost with Redis and is not known to be put back: then the waiting room has to
    /// be asked, which puts it back.
    pub(crate) fn may_be_lost(&self, ticket: &PlaceTicket, board: &Board) -> bool {
        ticket.epoch < board.epoch && self.put_back.get(&put_back_key(ticket, board)).is_none()
    }

    /// The waiting room has the place, and says so. Remembered once the board says the same of the ticket: from then on it can
    /// answer alone.
    pub(crate) fn found(&self, ticket: &PlaceTicket, board: &Board, location: Location) {
        let agree = std::mem::discriminant(&board.locate(ticket)) == std::mem::discriminant(&location);
        if ticket.epoch < board.epoch && agree {
            self.put_back.insert(put_back_key(ticket, board), ());
        }
    }

    /// Whether no room's board is stale: for the readiness report.
    pub(crate) fn are_fresh(&self) -> bool {
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
        seen.values().all(|seen| seen.board.state == RoomState::Closed || seen.at.elapsed() < STALE_AFTER)
    }

    fn put(&self, board: Board) {
        let Ok(json) = serde_json::to_vec(&board) else { return };
        let event = board.event;
        let seen = Arc::new(Seen { board, json: json.into(), at: Instant::now() });
        self.seen.write().unwrap_or_else(PoisonError::into_inner).insert(event, seen);
    }

    /// Watches the waiting room until the process ends; a stream that breaks is opened again.
    pub(crate) async fn watch(&self, waiting_room: &dyn WaitingRoom, ending: CancellationToken) {
        let mut pause = RETRY_MIN;
        while !ending.is_cancelled() {
            match waiting_room.watch().await {
                Ok(mut boards) => {
                    while let Some(Some(board)) = ending.run_until_cancelled(boards.next()).await {
                        pause = RETRY_MIN;
                        self.put(board);
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

fn put_back_key(ticket: &PlaceTicket, board: &Board) -> (PlaceId, u64, bool) {
    (ticket.place, board.epoch, board.seed.is_some())
}
