//! What fans see: boards, some of which come late.

use std::collections::VecDeque;

use goticket_domain::queue::{AnnouncedPolls, EtaModel, Shown};

/// A board, as far as waiting times and polls follow from it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Board {
    pub(crate) at_ms: i64,
    pub(crate) shown: Shown,
    pub(crate) admitted: u64,
    pub(crate) rate_per_min: u32,
    pub(crate) eta: Option<EtaModel>,
    /// The line moves.
    pub(crate) moving: bool,
}

/// The boards on their way, and the one that is seen.
#[derive(Default)]
pub(crate) struct Boards {
    coming: VecDeque<(i64, Board)>,
    seen: Option<Board>,
    announced: AnnouncedPolls,
    late: Option<(i64, i64)>,
}

impl Boards {
    /// From now on until then boards are on their way for so long.
    pub(crate) fn delay(&mut self, by_ms: u32, until_ms: i64) {
        self.late = Some((by_ms.into(), until_ms));
    }

    /// How long a board takes that is made now.
    pub(crate) fn delay_ms(&self, now_ms: i64) -> i64 {
        self.late.filter(|&(_, until_ms)| now_ms < until_ms).map_or(0, |(by_ms, _)| by_ms)
    }

    pub(crate) fn publish(&mut self, board: Board) {
        self.coming.push_back((board.at_ms + self.delay_ms(board.at_ms), board));
    }

    /// Takes in what has arrived. A board that arrives after a newer one is dropped.
    pub(crate) fn arrive(&mut self, now_ms: i64) {
        let mut i = 0;
        while let Some(&(arrives_ms, board)) = self.coming.get(i) {
            if arrives_ms > now_ms {
                i += 1;
                continue;
            }
            self.coming.remove(i);
            if self.seen.is_none_or(|seen| seen.at_ms < board.at_ms) {
                self.announced.show(now_ms, board.shown, board.rate_per_min);
                self.seen = Some(board);
            }
        }
    }

    pub(crate) fn seen(&self) -> Option<Board> {
        self.seen
    }

    /// The longest interval between polls that anyone up to this turn was told.
    pub(crate) fn longest_poll_ms(&self, turn: u64, now_ms: i64) -> u64 {
        self.announced.longest_ms(turn, now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_board_is_dropped_when_a_newer_one_was_seen() {
        let board =
            |at_ms| Board { at_ms, shown: Shown::Line { admitted: 0 }, admitted: 0, rate_per_min: 60, eta: None, moving: true };
        let mut boards = Boards::default();
        boards.delay(5_000, 1_000);
        boards.publish(board(0));
        boards.publish(board(1_000));
        let mut seen = |now_ms| {
            boards.arrive(now_ms);
            boards.seen().map(|board| board.at_ms)
        };
        assert_eq!([seen(0), seen(1_000), seen(6_000)], [None, Some(1_000), Some(1_000)]);
    }
}
