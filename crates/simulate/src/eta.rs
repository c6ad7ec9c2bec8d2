//! What fans were told about their waiting time, and whether it came true.

use goticket_domain::queue::EtaRange;
use hdrhistogram::Histogram;

use crate::report::{EtaFigures, Spread};
use crate::shown::Board;

/// Fans who write down what they are told.
const WATCHERS: u64 = 200;
/// How often they look, in milliseconds.
const LOOK_EVERY_MS: i64 = 30_000;
/// Larger errors count as this one, in per cent.
const ERROR_MAX_PERCENT: u64 = 10_000;
/// A turn may be so much earlier or later than the range says, in milliseconds: boards and ticks are that far apart.
const ROUNDING_MS: i64 = 2_000;

/// Fans evenly spread over the line.
pub(crate) struct Watchers {
    watching: Vec<Watcher>,
    errors: Histogram<u64>,
    looks: u64,
    within: u64,
    later: u64,
}

struct Watcher {
    /// The number of their turn, from 1.
    turn: u64,
    looks: Vec<(i64, EtaRange)>,
}

impl Watchers {
    /// Among so many who will have a turn.
    pub(crate) fn new(fans: u32) -> Self {
        let fans = u64::from(fans);
        let mut turns: Vec<u64> = (1..=WATCHERS).map(|n| fans * n / WATCHERS).filter(|&turn| turn > 0).collect();
        turns.dedup();
        turns.reverse();
        let watching = turns.into_iter().map(|turn| Watcher { turn, looks: Vec::new() }).collect();
        Self { watching, errors: Spread::histogram(ERROR_MAX_PERCENT), looks: 0, within: 0, later: 0 }
    }

    /// Everyone who watches and has joined looks at the board.
    pub(crate) fn look(&mut self, board: &Board, joined: u64, now_ms: i64) {
        let Some(model) = board.eta.filter(|_| now_ms % LOOK_EVERY_MS == 0) else { return };
        for watcher in self.watching.iter_mut().filter(|watcher| watcher.turn > board.admitted && watcher.turn <= joined) {
            let range = model.eta(watcher.turn - board.admitted - 1, board.moving).range();
            if watcher.looks.last().is_some_and(|(_, last)| range.to_s > last.to_s) {
                self.later += 1;
            }
            watcher.looks.push((now_ms, range));
        }
    }

    /// So many turns have come by now.
    pub(crate) fn turns_came(&mut self, admitted: u64, now_ms: i64) {
        while let Some(watcher) = self.watching.pop_if(|watcher| watcher.turn <= admitted) {
            for (at_ms, range) in watcher.looks {
                let real_ms = now_ms - at_ms;
                let [from_ms, to_ms] = [range.from_s, range.to_s].map(|s| i64::try_from(s * 1_000).unwrap_or(i64::MAX));
                self.looks += 1;
                self.within += u64::from((from_ms - ROUNDING_MS..=to_ms.saturating_add(ROUNDING_MS)).contains(&real_ms));
                let error_ms = (from_ms.midpoint(to_ms)).abs_diff(real_ms);
                let percent = error_ms * 100 / real_ms.unsigned_abs().max(1_000);
                self.errors.saturating_record(percent);
            }
        }
    }

    pub(crate) fn figures(&self) -> EtaFigures {
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        let within_share = (self.looks > 0).then(|| self.within as f64 / self.looks as f64);
        EtaFigures { looks: self.looks, within_share, error_percent: Spread::of(&self.errors), later_promises: self.later }
    }
}
