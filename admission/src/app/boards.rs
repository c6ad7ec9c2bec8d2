//! The boards, and who watches them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use goticket_domain::EventId;
use goticket_domain::queue::Board;
use tokio::sync::broadcast;
use tokio::time::Instant;
use tokio_stream::wrappers::BroadcastStream;

/// Boards a slow watcher may be behind; then they are given all current ones again.
const BACKLOG: usize = 1024;

/// The current board of each room.
pub(super) struct Boards {
    inner: Arc<Inner>,
    every: Duration,
}

struct Inner {
    current: Mutex<HashMap<EventId, (Arc<Board>, Instant)>>,
    changes: broadcast::Sender<Arc<Board>>,
}

impl Boards {
    /// Unchanged boards are published again after `every`.
    pub(super) fn new(every: Duration) -> Self {
        Self { inner: Arc::new(Inner { current: Mutex::default(), changes: broadcast::Sender::new(BACKLOG) }), every }
    }

    /// Shows a board to all watchers if it says something new, or the last one has become old.
    pub(super) fn publish(&self, board: Board) {
        let mut current = self.inner.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((last, at)) = current.get(&board.event)
            && at.elapsed() < self.every
            && says_the_same(last, &board)
        {
            return;
        }
        let board = Arc::new(board);
        current.insert(board.event, (Arc::clone(&board), Instant::now()));
        // Under the lock, so that watchers see a room's boards in order. An error means that nobody watches.
        let _ = self.inner.changes.send(board);
    }

    /// Forgets rooms that are not known any more.
    pub(super) fn retain(&self, known: impl Fn(EventId) -> bool) {
        self.inner.current.lock().unwrap_or_else(PoisonError::into_inner).retain(|event, _| known(*event));
    }

    pub(super) fn get(&self, event: EventId) -> Option<Arc<Board>> {
        self.inner.current.lock().unwrap_or_else(PoisonError::into_inner).get(&event).map(|(board, _)| Arc::clone(board))
    }

    /// The current boards, then each as it changes. Ends never.
    pub(super) fn watch(&self) -> BoxStream<'static, Board> {
        let inner = Arc::clone(&self.inner);
        let (first, changes) = inner.snapshot_and_changes();
        let changes = BroadcastStream::new(changes).flat_map(move |change| match change {
            Ok(board) => stream::iter(vec![board]),
            Err(_lagged) => stream::iter(inner.snapshot()),
        });
        stream::iter(first).chain(changes).map(|board| Board::clone(&board)).boxed()
    }
}

impl Inner {
    fn snapshot(&self) -> Vec<Arc<Board>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).values().map(|(board, _)| Arc::clone(board)).collect()
    }

    fn snapshot_and_changes(&self) -> (Vec<Arc<Board>>, broadcast::Receiver<Arc<Board>>) {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        (current.values().map(|(board, _)| Arc::clone(board)).collect(), self.changes.subscribe())
    }
}

/// Equal but for the time.
fn says_the_same(one: &Board, other: &Board) -> bool {
    let other = Board { at: one.at, ..other.clone() };
    *one == other
}
