//! Is there an order in which every seat had one holder at a time?
//!
//! A seat is a register that one booking at a time may hold (Herlihy and Wing's linearizability, per seat). Of each tenure the history
//! knows when it can have begun (between a request and the first answer that tells of it) and when it can have ended at the
//! earliest. Tenure A may come before B if A's earliest end is no later than B's latest beginning. As ends and beginnings are points in
//! time, an order of all exists exactly if no two tenures exclude each other both ways: what would delay a third one delays one of
//! the two already. So every pair is looked at, and each found one is proof by itself.

use std::collections::BTreeMap;

/// The time in which a booking held a seat, as far as the history knows. Unix time in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tenure {
    pub booking: String,
    /// It began no earlier than this,
    pub from_ms: i64,
    /// and no later than this.
    pub by_ms: i64,
    /// It ended no earlier than this; `None`: not at all.
    pub until_ms: Option<i64>,
}

impl Tenure {
    /// The earliest moment at which the seat can have been free again.
    fn earliest_end_ms(&self) -> i64 {
        self.until_ms.map_or(i64::MAX, |until| until.max(self.from_ms))
    }

    fn may_precede(&self, other: &Self) -> bool {
        self.earliest_end_ms() <= other.by_ms
    }
}

/// An event's seat.
pub(crate) type Seat = (String, u32);

/// What was compared, and what contradicts one holder at a time.
#[derive(Debug, Default)]
pub(crate) struct SeatOrder {
    pub seats: usize,
    pub tenures: usize,
    /// Seats that more than one booking held, one after the other if all is well.
    pub handed_over: usize,
    pub doubled: Vec<String>,
}

/// Compares every two tenures of each seat.
pub(crate) fn check(tenures: &BTreeMap<Seat, Vec<Tenure>>) -> SeatOrder {
    let mut found = SeatOrder { seats: tenures.len(), ..SeatOrder::default() };
    for ((event, seat), of_seat) in tenures {
        found.tenures += of_seat.len();
        found.handed_over += usize::from(of_seat.iter().any(|tenure| tenure.booking != of_seat[0].booking));
        for (n, one) in of_seat.iter().enumerate() {
            for other in of_seat[n + 1..].iter().filter(|other| !one.may_precede(other) && !other.may_precede(one)) {
                found.doubled.push(format!("event {event} seat {seat}: {} and {}", shown(one), shown(other)));
            }
        }
    }
    found
}

fn shown(tenure: &Tenure) -> String {
    let until = tenure.until_ms.map_or("and never ended".to_owned(), |until| format!("and ended at {until} or later"));
    format!("{} (began at {} to {} {until})", tenure.booking, tenure.from_ms, tenure.by_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From, by, until.
    type Row = (i64, i64, Option<i64>);

    fn doubled(rows: &[Row]) -> usize {
        let tenure = |(n, row): (usize, &Row)| Tenure { booking: format!("b{n}"), from_ms: row.0, by_ms: row.1, until_ms: row.2 };
        let tenures = rows.iter().enumerate().map(tenure).collect();
        check(&BTreeMap::from([(("e".to_owned(), 1), tenures)])).doubled.len()
    }

    #[test]
    fn one_holder_at_a_time_or_not() {
        let rows: [(&str, &[Row], usize); 12] = [
            ("no one", &[], 0),
            ("one, for ever", &[(0, 10, None)], 0),
            ("one after the other", &[(0, 10, Some(20)), (15, 30, None)], 0),
            ("at the same moment", &[(0, 10, Some(30)), (15, 30, None)], 0),
            ("two for ever", &[(0, 10, None), (20, 30, None)], 1),
            ("the second before the first can have ended", &[(0, 10, Some(50)), (20, 30, None)], 1),
            ("the answer to the first came late: it may be the second", &[(0, 100, None), (40, 50, Some(60))], 0),
            ("it came late, and still there is no room", &[(0, 100, None), (40, 50, Some(110))], 1),
            ("overlapping requests, short tenures", &[(0, 50, Some(10)), (0, 50, Some(10)), (0, 50, Some(10))], 0),
            ("three in a chain", &[(0, 10, Some(20)), (15, 25, Some(30)), (28, 40, None)], 0),
            ("the middle one is too long", &[(0, 10, Some(20)), (15, 25, Some(45)), (28, 40, None)], 1),
            ("three for ever are three pairs", &[(0, 10, None), (0, 10, None), (0, 10, None)], 3),
        ];
        for (name, tenures, expected) in rows {
            assert_eq!(doubled(tenures), expected, "{name}");
        }
    }

    /// The claim of this module: where no pair excludes each other, there is an order of all.
    #[test]
    fn pairs_are_enough() {
        use rand::rngs::StdRng;
        use rand::{Rng as _, SeedableRng as _};
        let mut rng = StdRng::seed_from_u64(1);
        let (mut possible, mut impossible) = (0, 0);
        for _ in 0..20_000 {
            let count = rng.random_range(2..=5);
            let row = |rng: &mut StdRng| {
                let from = rng.random_range(0..20);
                (from, from + rng.random_range(0..15), rng.random_bool(0.9).then(|| from + rng.random_range(0..15)))
            };
            let rows: Vec<Row> = (0..count).map(|_| row(&mut rng)).collect();
            let ordered = some_order(&rows, &mut Vec::new(), i64::MIN);
            assert_eq!(doubled(&rows) == 0, ordered, "{rows:?}");
            if ordered { possible += 1 } else { impossible += 1 }
        }
        assert!(possible > 1_000 && impossible > 1_000, "{possible} {impossible}");
    }

    /// By trying all of them: each begins when the seat is free, and ends as early as it can.
    fn some_order(rows: &[Row], placed: &mut Vec<usize>, free_at: i64) -> bool {
        if placed.len() == rows.len() {
            return true;
        }
        for n in 0..rows.len() {
            let (from, by, until) = rows[n];
            let begins = from.max(free_at);
            if placed.contains(&n) || begins > by {
                continue;
            }
            placed.push(n);
            if some_order(rows, placed, until.map_or(i64::MAX, |until| until.max(begins))) {
                return true;
            }
            placed.pop();
        }
        false
    }
}
