//! The waiting rooms' boards, kept in memory: polls are answered from here without I/O.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use goticket_domain::EventId;
use goticket_domain::queue::{Board, RoomState, WaitingRoom};
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

/// All boards.
#[derive(Default)]
pub(crate) struct Boards {
    seen: RwLock<HashMap<EventId, Arc<Seen>>>,
}

impl Boards {
    /// The event's board, if it is fresh. A closed room's never changes again.
    pub(crate) fn get(&self, event: EventId) -> Result<Arc<Seen>, NoBoard> {
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner).get(&event).cloned().ok_or(NoBoard::Unknown)?;
        let fresh = seen.board.state == RoomState::Closed || seen.at.elapsed() < STALE_AFTER;
        if fresh { Ok(seen) } else { Err(NoBoard::Stale) }
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
