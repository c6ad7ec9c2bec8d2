//! Boards from their makers to their watchers: the room's owner publishes, every replica shows what was published, byte for byte.
//!
//! A board goes through Redis: the last one of each room is kept there, for replicas that start or were not listening, and each is told on
//! one channel. The owner's own watchers get it after Redis took it, so that no replica shows what another one could not.

use goticket_domain::EventId;
use goticket_domain::queue::{Board, BoardVersion, PublishedBoard, QueueError};
use goticket_platform::redis::{Notice, Subscription};
use tokio::time::{Duration, Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::rooms::Known;
use super::{WaitingRoomService, redis_failed};
use crate::outbound::redis::read_board;

/// Between two attempts to listen, while Redis is away.
const LISTEN_AGAIN: Duration = Duration::from_millis(500);

/// What the owner of a room published last.
#[derive(Default)]
pub(super) struct Published {
    version: BoardVersion,
    last: Option<(Board, Instant)>,
}

impl Published {
    /// The last one has become old, or there is none.
    pub(super) fn is_old(&self, every: Duration) -> bool {
        self.last.as_ref().is_none_or(|(_, at)| at.elapsed() >= every)
    }

    /// The version of this board, if it says something new, or the last one has become old.
    fn next(&mut self, epoch: i64, board: &Board, every: Duration) -> Option<BoardVersion> {
        if self.version.epoch != epoch {
            *self = Self { version: BoardVersion { epoch, number: 0 }, last: None };
        }
        if !self.is_old(every) && self.last.as_ref().is_some_and(|(last, _)| says_the_same(last, board)) {
            return None;
        }
        // Counted up also where the publication fails: it may have come through.
        self.version.number += 1;
        Some(self.version)
    }

    /// As if it had been published then.
    #[cfg(test)]
    pub(super) fn at(at: Instant, board: Board) -> Self {
        Self { last: Some((board, at)), ..Self::default() }
    }

    fn done(&mut self, version: BoardVersion, board: Board) {
        if self.version == version {
            self.last = Some((board, Instant::now()));
        }
    }
}

/// Equal but for the time.
fn says_the_same(one: &Board, other: &Board) -> bool {
    let other = Board { at: one.at, ..other.clone() };
    *one == other
}

impl WaitingRoomService {
    /// Publishes a board of a room of ours, unless nothing is new.
    pub(super) async fn publish(&self, known: &Known, epoch: i64, board: Board) -> Result<(), QueueError> {
        let Some(version) = known.memory().published.next(epoch, &board, self.board_every) else { return Ok(()) };
        let event = board.event;
        let made = PublishedBoard::new(version, board).map_err(|error| {
            tracing::error!(%event, %error, "a board cannot be written");
            QueueError::Unavailable
        })?;
        if !self.lines.publish(&made).await.map_err(|error| redis_failed(&error))? {
            tracing::info!(%event, epoch, "another replica publishes this room's board");
            return Ok(());
        }
        known.memory().published.done(version, made.board.clone());
        self.boards.show(made);
        Ok(())
    }

    /// Shows the boards that were published last, of all rooms that are known: what a replica missed.
    pub async fn read_boards(&self) -> Result<(), QueueError> {
        let events: Vec<EventId> = self.rooms.all().iter().map(|known| known.room.event).collect();
        let boards = self.lines.published(&events).await.map_err(|error| redis_failed(&error))?;
        for board in boards {
            self.boards.show(board);
        }
        Ok(())
    }

    /// The board of this room that was published last, by whichever replica.
    pub async fn last_board(&self, event: EventId) -> Result<Option<PublishedBoard>, QueueError> {
        Ok(self.lines.published(&[event]).await.map_err(|error| redis_failed(&error))?.pop())
    }

    /// Whether this board is ours: it is shown when Redis has answered.
    fn is_publishing(&self, event: EventId, version: BoardVersion) -> bool {
        self.rooms.get(event).is_some_and(|known| known.memory().published.version == version)
    }

    /// The subscription may be back before the connection that reads.
    async fn read_missed(&self) {
        while self.read_boards().await.is_err() {
            sleep(LISTEN_AGAIN).await;
        }
    }

    /// Shows every board that is published, until the end.
    pub(super) async fn listen(&self, end: CancellationToken) {
        while !end.is_cancelled() {
            match self.lines.listen().await {
                Ok(mut heard) => {
                    self.refresh_rooms().await;
                    end.run_until_cancelled(self.show_all(&mut heard)).await;
                }
                Err(error) => {
                    drop(redis_failed(&error));
                    end.run_until_cancelled(sleep(LISTEN_AGAIN)).await;
                }
            }
        }
    }

    /// What is published from now on, after what was before.
    async fn show_all(&self, heard: &mut Subscription) {
        self.read_missed().await;
        loop {
            match heard.next().await {
                Notice::Message { channel, payload } if channel == self.lines.nudges_channel() => {
                    if let Some(event) = std::str::from_utf8(&payload).ok().and_then(|text| text.parse().ok()) {
                        self.nudges.add(event);
                    }
                }
                Notice::Message { payload, .. } => {
                    let is_known = |event, version| self.boards.has(event, version) || self.is_publishing(event, version);
                    if let Some(board) = read_board(&payload, is_known) {
                        self.boards.show(board);
                    }
                }
                Notice::Gap => self.read_missed().await,
            }
        }
    }
}
