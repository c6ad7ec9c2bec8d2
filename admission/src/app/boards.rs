//! The boards as their rooms' owners made them, and who watches them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use goticket_domain::EventId;
use goticket_domain::queue::{Board, BoardVersion, HeldUp, PublishedBoard, RoomState};
use jiff::Timestamp;
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

/// Boards a slow watcher may be behind; then they are given all current ones again.
const BACKLOG: usize = 1024;

/// The current board of each room.
pub(super) struct Boards {
    inner: Arc<Inner>,
}

struct Inner {
    current: Mutex<HashMap<EventId, Arc<PublishedBoard>>>,
    changes: broadcast::Sender<Arc<PublishedBoard>>,
}

impl Boards {
    pub(super) fn new() -> Self {
        Self { inner: Arc::new(Inner { current: Mutex::default(), changes: broadcast::Sender::new(BACKLOG) }) }
    }

    /// Shows a board to all watchers, unless it is older than the one they have, or the same.
    pub(super) fn show(&self, board: PublishedBoard) {
        let mut current = self.inner.current.lock().unwrap_or_else(PoisonError::into_inner);
        let event = board.board.event;
        if has(&current, event, board.version) {
            return;
        }
        let board = Arc::new(board);
        current.insert(event, Arc::clone(&board));
        // Under the lock, so that watchers see a room's boards in order. An error means that no one watches.
        let _ = self.inner.changes.send(board);
    }

    /// Whether this board is shown, or a newer one.
    pub(super) fn has(&self, event: EventId, version: BoardVersion) -> bool {
        has(&self.inner.current.lock().unwrap_or_else(PoisonError::into_inner), event, version)
    }

    /// Shows every board again, as of now: the line stands still, as the stores are away. A closed room's says all that there is to say.
    pub(super) fn stand_still(&self, at: Timestamp) {
        let mut current = self.inner.current.lock().unwrap_or_else(PoisonError::into_inner);
        for shown in current.values_mut().filter(|shown| shown.board.state != RoomState::Closed && shown.board.at < at) {
            let board = Board { at, held_up_by: Some(HeldUp::StoresAway), ..shown.board.clone() };
            // Under its version: whatever the owner publishes next is newer.
            let Ok(again) = PublishedBoard::new(shown.version, board) else { continue };
            *shown = Arc::new(again);
            let _ = self.inner.changes.send(Arc::clone(shown));
        }
    }

    /// Forgets rooms that are not known any more.
    pub(super) fn retain(&self, known: impl Fn(EventId) -> bool) {
        self.inner.current.lock().unwrap_or_else(PoisonError::into_inner).retain(|event, _| known(*event));
    }

    pub(super) fn get(&self, event: EventId) -> Option<Arc<PublishedBoard>> {
        self.inner.current.lock().unwrap_or_else(PoisonError::into_inner).get(&event).map(Arc::clone)
    }

    /// Each board that changes from now on. An error of the receiver means that it was too slow for some.
    pub(super) fn changes(&self) -> broadcast::Receiver<Arc<PublishedBoard>> {
        self.inner.changes.subscribe()
    }

    /// The current boards, then each as it changes. Ends never.
    pub(super) fn watch(&self) -> BoxStream<'static, Arc<PublishedBoard>> {
        let inner = Arc::clone(&self.inner);
        let (first, changes) = inner.snapshot_and_changes();
        let changes = BroadcastStream::new(changes).flat_map(move |change| match change {
            Ok(board) => stream::iter(vec![board]),
            Err(_lagged) => stream::iter(inner.snapshot()),
        });
        stream::iter(first).chain(changes).boxed()
    }
}

fn has(current: &HashMap<EventId, Arc<PublishedBoard>>, event: EventId, version: BoardVersion) -> bool {
    current.get(&event).is_some_and(|shown| shown.version >= version)
}

impl Inner {
    fn snapshot(&self) -> Vec<Arc<PublishedBoard>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).values().map(Arc::clone).collect()
    }

    fn snapshot_and_changes(&self) -> (Vec<Arc<PublishedBoard>>, broadcast::Receiver<Arc<PublishedBoard>>) {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        (current.values().map(Arc::clone).collect(), self.changes.subscribe())
    }
}
