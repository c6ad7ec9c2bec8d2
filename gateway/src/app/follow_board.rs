//! Follows a room's boards on behalf of one place, from the board that its holder has read last until there is nothing to wait for.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use goticket_domain::queue::{Location, PlaceTicket, RoomState};
use tokio::sync::watch;
use tokio::time::Instant;

use super::seen_board::{STALE_AFTER, Seen};

/// Which board of its room it is; the order is that of [`is_newer_than`](goticket_domain::queue::Board::is_newer_than).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Version {
    log: u64,
    at_ms: i64,
}

impl Version {
    fn of(seen: &Seen) -> Self {
        Self { log: seen.board.log, at_ms: seen.board.at.as_millisecond() }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.log, self.at_ms)
    }
}

impl FromStr for Version {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (log, at_ms) = text.split_once('-').ok_or(())?;
        Ok(Self { log: log.parse().map_err(drop)?, at_ms: at_ms.parse().map_err(drop)? })
    }
}

/// Why there is nothing to wait for any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Over {
    /// For a ticket from before the draw: its place has one that says the rank.
    Drawn,
    Turn,
    Passed,
    Closed,
}

/// What a follower is told.
pub(crate) enum News {
    Board(Version, Arc<Seen>),
    Over(Over),
}

/// One who follows.
pub(crate) struct Follower {
    boards: watch::Receiver<Arc<Seen>>,
    ticket: PlaceTicket,
    read: Option<Version>,
    since: Instant,
    over: Option<Over>,
    ended: bool,
}

impl Follower {
    /// `read`: the board that the ticket's holder has already.
    pub(crate) fn new(mut boards: watch::Receiver<Arc<Seen>>, ticket: PlaceTicket, read: Option<Version>, now: Instant) -> Self {
        boards.mark_changed();
        Self { boards, ticket, read, since: now, over: None, ended: false }
    }

    /// Whether there is nothing to wait for already.
    pub(crate) fn over(&self) -> Option<Over> {
        over(&self.boards.borrow(), &self.ticket)
    }

    /// The next news; None after the last.
    pub(crate) async fn next(&mut self, now: impl Fn() -> Instant) -> Option<News> {
        if self.ended {
            return None;
        }
        if let Some(over) = self.over {
            // A closed room may have a last board after the first one that says so.
            if over == Over::Closed
                && self.boards.has_changed().unwrap_or(false)
                && let Some(board) = self.take(&now)
            {
                return Some(board);
            }
            self.ended = true;
            return Some(News::Over(over));
        }
        loop {
            self.boards.changed().await.ok()?;
            if let Some(board) = self.take(&now) {
                return Some(board);
            }
        }
    }

    /// The board that is there, if it is news.
    fn take(&mut self, now: &impl Fn() -> Instant) -> Option<News> {
        let seen = Arc::clone(&self.boards.borrow_and_update());
        let version = Version::of(&seen);
        // One that was read from another gateway may be newer than this one's, for a moment. Later it is newer than all that come: the
        // log went back.
        if self.read.is_some_and(|read| version <= read && now().duration_since(self.since) < STALE_AFTER) {
            return None;
        }
        self.read = Some(version);
        self.over = over(&seen, &self.ticket);
        Some(News::Board(version, seen))
    }
}

fn over(seen: &Seen, ticket: &PlaceTicket) -> Option<Over> {
    match seen.board.locate(ticket) {
        _ if seen.board.state == RoomState::Closed => Some(Over::Closed),
        Location::Drawn => Some(Over::Drawn),
        Location::Turn => Some(Over::Turn),
        Location::Passed | Location::Inside { .. } => Some(Over::Passed),
        Location::Lobby { .. } | Location::Waiting { .. } | Location::Deferred => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use futures::FutureExt as _;
    use goticket_domain::queue::{Board, PlaceId, PlaceKind, Score};
    use goticket_domain::{AccountId, EventId};
    use uuid::Uuid;

    use super::*;
    use crate::app::seen_board::tests::{board, published};

    fn seen(board: Board) -> Arc<Seen> {
        Arc::new(Seen::new(&published(board), Instant::now()))
    }

    /// Of the place with this sequence, who has read that.
    fn follower(boards: &watch::Sender<Arc<Seen>>, sequence: u64, read: &str) -> Follower {
        let (event, account) = (EventId(Uuid::nil()), AccountId(Uuid::nil()));
        let kind = PlaceKind::Late { sequence };
        let ticket = PlaceTicket { place: PlaceId([0; 16]), event, account, kind, issued_at_ms: 0 };
        Follower::new(boards.subscribe(), ticket, read.parse().ok(), Instant::now())
    }

    /// What it is told now; "" for nothing, "end" after the last.
    fn told(follower: &mut Follower, later: Duration) -> String {
        match follower.next(|| Instant::now() + later).now_or_never() {
            None => String::new(),
            Some(None) => "end".to_owned(),
            Some(Some(News::Board(version, _))) => version.to_string(),
            Some(Some(News::Over(over))) => format!("{over:?}"),
        }
    }

    #[test]
    fn what_is_newer_than_what_was_read_comes_and_the_latest_only() {
        for (read, first) in [("", "5-9"), ("nonsense", "5-9"), ("4-99", "5-9"), ("5-8", "5-9"), ("5-9", ""), ("6-1", "")] {
            let (boards, _) = watch::channel(seen(board(5, 9)));
            let mut follower = follower(&boards, 7, read);
            assert_eq!(told(&mut follower, Duration::ZERO), first, "{read}");
            assert_eq!(told(&mut follower, Duration::ZERO), "", "{read}");
            for at in 10..13 {
                boards.send_replace(seen(board(6, at)));
            }
            assert_eq!(told(&mut follower, Duration::ZERO), "6-12", "{read}");
            assert_eq!(told(&mut follower, Duration::ZERO), "", "{read}");
        }
    }

    #[test]
    fn when_the_log_went_back_its_boards_come_after_a_while() {
        let (boards, _) = watch::channel(seen(board(5, 9)));
        let mut follower = follower(&boards, 7, "9-1");
        assert_eq!(told(&mut follower, Duration::ZERO), "");
        boards.send_replace(seen(board(5, 10)));
        assert_eq!(told(&mut follower, STALE_AFTER), "5-10");
    }

    #[test]
    fn a_board_that_comes_right_after_the_room_was_closed_is_not_lost() {
        let closed = |at| seen(Board { state: RoomState::Closed, ..board(8, at) });
        let (boards, _) = watch::channel(closed(1));
        let mut follower = follower(&boards, 7, "");
        assert_eq!(told(&mut follower, Duration::ZERO), "8-1");
        boards.send_replace(closed(2));
        assert_eq!([(); 3].map(|()| told(&mut follower, Duration::ZERO)), ["8-2", "Closed", "end"]);
        // A turn is not kept back for it.
        let turn = |at| seen(Board { frontier: Score::late(7), ..board(8, at) });
        let (boards, _) = watch::channel(turn(1));
        let mut follower = self::follower(&boards, 7, "");
        assert_eq!(told(&mut follower, Duration::ZERO), "8-1");
        boards.send_replace(turn(2));
        assert_eq!(told(&mut follower, Duration::ZERO), "Turn");
    }

    #[test]
    fn the_end_comes_after_the_board_that_says_so_and_once() {
        let closed = Board { state: RoomState::Closed, ..board(8, 2) };
        let turn = Board { frontier: Score::late(7), ..board(8, 2) };
        let passed = Board { passed: Score::late(7), ..turn.clone() };
        for (last, end) in [(closed, "Closed"), (turn, "Turn"), (passed, "Passed")] {
            let (boards, _) = watch::channel(seen(board(8, 1)));
            let mut first = follower(&boards, 7, "");
            assert_eq!(told(&mut first, Duration::ZERO), "8-1");
            boards.send_replace(seen(last));
            assert_eq!(["8-2", end, "end", "end"].map(|_| told(&mut first, Duration::ZERO)), ["8-2", end, "end", "end"]);
            assert_eq!(follower(&boards, 7, "").over().map(|over| format!("{over:?}")).as_deref(), Some(end));
            assert_eq!(follower(&boards, 9, "").over().is_some(), end == "Closed");
        }
    }
}
