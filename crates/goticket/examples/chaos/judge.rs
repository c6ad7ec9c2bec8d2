//! Judging a history: pure functions of what the clients were told. Nothing here knows the system's inside.

mod answers;
mod progress;
mod promises;
mod rules;
mod seats;
mod tenures;

use crate::history::Attempt;
use crate::options::Options;
use crate::verdict::Row;

/// What the checks had to compare.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    pub held: u64,
    pub keys_replayed: u64,
    pub handovers: u64,
}

impl Compared {
    pub(crate) fn minima(&self, options: &Options) -> [Row; 3] {
        [
            Row::minimum("held", self.held, options.least_held()),
            Row::minimum("keys", self.keys_replayed, options.least_keys()),
            Row::minimum("handovers", self.handovers, options.least_handovers()),
        ]
    }
}

/// Every check of the history, and how much each has compared.
pub(crate) fn judge(history: &[Attempt]) -> (Vec<Row>, Compared) {
    let answers = answers::check(history);
    let promises = promises::check(history);
    let seats = seats::check(&tenures::of(history));
    let compared =
        Compared { held: promises.bookings as u64, keys_replayed: answers.replayed as u64, handovers: seats.handed_over as u64 };
    let rows = vec![
        Row::check(
            "one key, one outcome",
            format!(
                "{} of {} keys sent again, {} had been accepted first; {} earlier answers compared, {} refusals by the map left out",
                answers.replayed, answers.keys, answers.accepted, answers.compared, answers.by_the_map
            ),
            answers.wrong,
        ),
        Row::check(
            "one holder at a time",
            format!("{} tenures of {} seats, {} seats changed hands", seats.tenures, seats.seats, seats.handed_over),
            seats.doubled,
        ),
        Row::check(
            "nothing moves backwards",
            format!("{} bookings, {} confirmed, {} moves", promises.bookings, promises.confirmed, promises.moves),
            promises.wrong,
        ),
        Row::check("the sale goes on", progress::longest_pause(history), Vec::new()),
        Row::check("answers keep the rules", format!("{} answers", history.len()), rules::check(history)),
    ];
    (rows, compared)
}
