//! A room as its log makes it, and the boards that are shown of it.

use goticket_domain::queue::{
    Board, ControlLogHead, EtaModel, Location, Pivot, Pivots, PlaceId, PlaceKind, PlaceTicket, RoomState, Score, WhenDown,
};
use goticket_domain::{AccountId, EventId};
use jiff::Timestamp;
use uuid::Uuid;

pub(crate) const LATE: u64 = 1 << 52;

/// Scores in line, in order; the log's length; how far turns have come.
#[derive(Clone, Default)]
pub(crate) struct Room {
    pub(crate) line: Vec<u64>,
    pub(crate) log: u64,
    pub(crate) frontier: Option<u64>,
}

impl Room {
    /// So many were drawn; what it took is in the log.
    pub(crate) fn drawn(lobby: u64) -> Self {
        Self { line: (0..lobby).collect(), log: lobby + 2, frontier: None }
    }

    pub(crate) fn join(&mut self) {
        self.line.push(LATE + self.log);
        self.log += 1;
    }

    pub(crate) fn leave(&mut self, rank: usize) {
        self.line.remove(rank);
        self.log += 1;
    }

    pub(crate) fn admit(&mut self, turns: usize) {
        if let Some(last) = turns.min(self.line.len()).checked_sub(1) {
            self.frontier = Some(self.line[last]);
            self.line.drain(..=last);
            self.log += 1;
        }
    }

    pub(crate) fn board(&self) -> Board {
        let first_late = self.line.partition_point(|score| *score < LATE);
        let late = self.line.get(first_late).map(|first| Pivot { score: score(*first), ahead: first_late as u64 });
        let at = |rank| score(self.line[usize::try_from(rank).unwrap()]);
        Board {
            log: self.log,
            waiting: self.line.len() as u64,
            frontier: self.frontier.map(score),
            pivots: Pivots::pick(self.line.len() as u64, at, late),
            ..empty_board()
        }
    }
}

pub(crate) fn empty_board() -> Board {
    Board {
        event: EventId(Uuid::nil()),
        state: RoomState::Open,
        at: Timestamp::UNIX_EPOCH,
        log: 0,
        lobby_opens_at: Timestamp::UNIX_EPOCH,
        onsale_at: Timestamp::UNIX_EPOCH,
        waiting: 0,
        admitted: 0,
        frontier: None,
        passed: None,
        deferred_frontier: None,
        deferred_passed: None,
        rate_per_min: 60,
        observed_per_min: 0,
        draw: None,
        pivots: Pivots::default(),
        availability: Vec::new(),
        selling: true,
        message: String::new(),
        control_log: ControlLogHead::default(),
        eta: EtaModel::of_rate(60, 0),
        held_up_by: None,
        inside: 0,
        currency: None,
        when_down: WhenDown::FailClosed,
        shadow: None,
        categories: None,
    }
}

pub(crate) fn score(n: u64) -> Score {
    Score::from_u64(n).unwrap()
}

pub(crate) fn late(sequence: u64) -> PlaceTicket {
    PlaceTicket {
        place: PlaceId([0; 16]),
        event: EventId(Uuid::nil()),
        account: AccountId(Uuid::nil()),
        kind: PlaceKind::Late { sequence },
        issued_at_ms: 0,
    }
}

/// How many stand before this ticket; none when its turn has come.
pub(crate) fn ahead(board: &Board, ticket: &PlaceTicket) -> u64 {
    match board.locate(ticket) {
        Location::Waiting { ahead, .. } => ahead,
        Location::Turn => 0,
        other => panic!("{other:?}"),
    }
}
