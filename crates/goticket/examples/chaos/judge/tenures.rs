//! From a history to the tenures of each seat. Where the history does not know, a tenure is as short as it can have been: what the
//! judge finds is then a fault, whatever happened between the lines.

use std::collections::{BTreeMap, BTreeSet};

use super::seats::{Seat, Tenure};
use crate::history::{Attempt, Op, Outcome};

/// By how much the database's clock, which ends holds, may differ from the run's: one machine, and a clock carried on from its start.
const CLOCK_SLACK_MS: i64 = 250;

/// What a history tells of one booking.
#[derive(Debug)]
struct Life {
    event: String,
    /// Its key was first sent.
    from_ms: i64,
    /// First answer that tells of it.
    by_ms: i64,
    deadline_ms: Option<i64>,
    seats: BTreeSet<u32>,
    /// First answer that tells of its confirmation, and its seats then.
    confirmed: Option<(i64, BTreeSet<u32>)>,
    refunded: bool,
    /// First request to give it back.
    cancelled_ms: Option<i64>,
    last: Outcome,
}

/// The tenures of every seat that a booking in the history held.
pub(crate) fn of(history: &[Attempt]) -> BTreeMap<Seat, Vec<Tenure>> {
    let mut tenures: BTreeMap<Seat, Vec<Tenure>> = BTreeMap::new();
    for (booking, life) in lives(history) {
        for (seats, from_ms, by_ms, until_ms) in life.tenures() {
            for seat in seats {
                let tenure = Tenure { booking: booking.clone(), from_ms, by_ms, until_ms };
                tenures.entry((life.event.clone(), *seat)).or_default().push(tenure);
            }
        }
    }
    tenures
}

fn lives(history: &[Attempt]) -> BTreeMap<String, Life> {
    let mut sent: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    let mut cancels: BTreeMap<&str, i64> = BTreeMap::new();
    let sooner = |known: &mut i64, at_ms: i64| *known = (*known).min(at_ms);
    for attempt in history {
        match (&attempt.op, &attempt.key, &attempt.booking) {
            (Op::Book, Some(key), _) => sooner(sent.entry((&attempt.account, key)).or_insert(i64::MAX), attempt.at_ms),
            (Op::Cancel, _, Some(booking)) => sooner(cancels.entry(booking).or_insert(i64::MAX), attempt.at_ms),
            _ => {}
        }
    }
    let mut lives: BTreeMap<String, Life> = BTreeMap::new();
    for attempt in history.iter().filter(|attempt| attempt.outcome.is_booking()) {
        let Some(booking) = &attempt.booking else { continue };
        let life = lives.entry(booking.clone()).or_insert_with(|| Life {
            event: attempt.event.clone(),
            from_ms: i64::MAX,
            by_ms: i64::MAX,
            deadline_ms: None,
            seats: BTreeSet::new(),
            confirmed: None,
            refunded: false,
            cancelled_ms: cancels.get(booking.as_str()).copied(),
            last: attempt.outcome,
        });
        let key = attempt.key.as_deref().and_then(|key| sent.get(&(attempt.account.as_str(), key)));
        life.hear(attempt, key.copied());
    }
    lives
}

impl Life {
    fn hear(&mut self, attempt: &Attempt, sent_ms: Option<i64>) {
        self.from_ms = self.from_ms.min(sent_ms.unwrap_or(i64::MAX));
        self.by_ms = self.by_ms.min(attempt.done_ms);
        self.deadline_ms = self.deadline_ms.or(attempt.hold_expires_at_ms);
        self.refunded |= attempt.outcome == Outcome::Refunded;
        // A decision tells what was, a look what is.
        if attempt.op != Op::Book {
            self.last = attempt.outcome;
        }
        let seats = || attempt.seats.iter().copied().collect();
        match attempt.outcome {
            Outcome::Confirmed => {
                let (first, _) = self.confirmed.get_or_insert_with(|| (attempt.done_ms, seats()));
                *first = (*first).min(attempt.done_ms);
            }
            _ if self.seats.is_empty() => self.seats = seats(),
            _ => {}
        }
    }

    /// Seats, and the beginning's and the end's bounds. A booking that was paid for after its hold can have ended has two: one may have
    /// had the seats in between.
    fn tenures(&self) -> Vec<(&BTreeSet<u32>, i64, i64, Option<i64>)> {
        // A key that no one saw being sent: from the beginning of time.
        let from_ms = if self.from_ms == i64::MAX { i64::MIN } else { self.from_ms };
        let by_ms = self.deadline_ms.map_or(self.by_ms, |deadline| self.by_ms.min(deadline + CLOCK_SLACK_MS)).max(from_ms);
        let runs_out_ms = self.deadline_ms.map(|deadline| deadline - CLOCK_SLACK_MS);
        let freed_ms = self.cancelled_ms.into_iter().chain(runs_out_ms).min();
        let ends = |until_ms: Option<i64>| if self.refunded { Some(from_ms) } else { until_ms };
        match (&self.confirmed, freed_ms) {
            (Some((seen_ms, seats)), Some(freed_ms)) if freed_ms < *seen_ms => {
                let held = if self.seats.is_empty() { seats } else { &self.seats };
                vec![(held, from_ms, by_ms.min(*seen_ms), Some(freed_ms)), (seats, freed_ms.max(from_ms), *seen_ms, ends(None))]
            }
            (Some((_, seats)), _) => vec![(seats, from_ms, by_ms, ends(None))],
            (None, _) if self.last == Outcome::Held => vec![(&self.seats, from_ms, by_ms, None)],
            (None, freed_ms) => vec![(&self.seats, from_ms, by_ms, ends(Some(freed_ms.unwrap_or(from_ms))))],
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::seats::check;
    use super::*;
    use crate::history::Phase;

    /// Holds of this test's shop.
    const HOLD_MS: i64 = 30_000;

    fn attempt(op: Op, who: &str, at_ms: i64, done_ms: i64, outcome: Outcome) -> Attempt {
        Attempt {
            n: 0,
            phase: Phase::Sale,
            at_ms,
            done_ms,
            client: 0,
            account: who.to_owned(),
            op,
            event: "e".to_owned(),
            key: (op == Op::Book).then(|| format!("key of {who}")),
            via: "gateway-a".to_owned(),
            request: Value::Null,
            status: None,
            outcome,
            code: None,
            replayed: false,
            retry_after_s: None,
            booking: Some(format!("booking of {who}")),
            seats: if outcome.is_booking() { vec![5] } else { Vec::new() },
            hold_expires_at_ms: None,
            answer: Value::Null,
        }
    }

    /// Asked from `at_ms` to `done_ms`, granted in between: the hold began when it was answered.
    fn books(who: &str, at_ms: i64, done_ms: i64) -> Attempt {
        let hold_expires_at_ms = Some(done_ms + HOLD_MS);
        Attempt { hold_expires_at_ms, ..attempt(Op::Book, who, at_ms, done_ms, Outcome::Held) }
    }

    fn cancels(who: &str, at_ms: i64, done_ms: i64) -> Attempt {
        attempt(Op::Cancel, who, at_ms, done_ms, Outcome::Cancelled)
    }

    fn sees(who: &str, at_ms: i64, outcome: Outcome) -> Attempt {
        attempt(Op::Look, who, at_ms, at_ms + 5, outcome)
    }

    fn doubled(history: &[Attempt]) -> usize {
        check(&of(history)).doubled.len()
    }

    #[test]
    fn a_seat_sold_twice_is_found() {
        let history = [
            books("ann", 0, 10),
            sees("ann", 1_000, Outcome::Confirmed),
            books("bob", 5_000, 5_010),
            sees("bob", 6_000, Outcome::Confirmed),
        ];
        assert_eq!(doubled(&history), 1);
        assert_eq!(doubled(&history[..3]), 1, "held while it is sold");
        assert_eq!(doubled(&history[..2]), 0);
    }

    #[test]
    fn holders_one_after_the_other() {
        use Outcome::{Cancelled, Confirmed, Expired, Held, Unknown};
        let lost = |who: &str, at_ms: i64| Attempt {
            booking: None,
            seats: Vec::new(),
            ..attempt(Op::Book, who, at_ms, at_ms + 5, Unknown)
        };
        let rows: [(&str, Vec<Attempt>, usize); 13] = [
            ("given back, then taken", vec![books("ann", 0, 10), cancels("ann", 100, 120), books("bob", 200, 210)], 0),
            ("taken while it is given back", vec![books("ann", 0, 10), cancels("ann", 100, 300), books("bob", 200, 210)], 0),
            (
                "taken before it is given back",
                vec![books("ann", 0, 10), books("bob", 50, 60), cancels("ann", 100, 120), sees("ann", 130, Cancelled)],
                1,
            ),
            (
                "asked for early, answered after it was given back",
                vec![books("ann", 0, 10), books("bob", 50, 150), cancels("ann", 100, 120), sees("ann", 130, Cancelled)],
                0,
            ),
            ("run out, then taken", vec![books("ann", 0, 10), sees("ann", 31_000, Expired), books("bob", 31_100, 31_110)], 0),
            (
                "taken before it can have run out",
                vec![books("ann", 0, 10), books("bob", 29_000, 29_010), sees("ann", 31_000, Expired)],
                1,
            ),
            (
                "held in the end is held for ever",
                vec![books("ann", 0, 10), sees("ann", 40_000, Held), books("bob", 50_000, 50_010)],
                1,
            ),
            (
                "a key sent again is no second holder",
                vec![
                    books("ann", 0, 10),
                    Attempt { at_ms: 500, done_ms: 510, ..books("ann", 0, 10) },
                    sees("ann", 600, Confirmed),
                ],
                0,
            ),
            (
                "paid too late, and no one had it in between",
                vec![books("ann", 0, 10), sees("ann", 31_000, Expired), sees("ann", 40_000, Confirmed)],
                0,
            ),
            (
                "paid too late, after somebody else gave it back",
                vec![
                    books("ann", 0, 10),
                    books("bob", 31_000, 31_010),
                    cancels("bob", 32_000, 32_010),
                    sees("ann", 40_000, Confirmed),
                ],
                0,
            ),
            (
                "paid too late, while somebody else has it",
                vec![
                    books("ann", 0, 10),
                    books("bob", 31_000, 31_010),
                    sees("bob", 32_000, Confirmed),
                    sees("ann", 40_000, Confirmed),
                ],
                1,
            ),
            (
                "the first answer was lost",
                vec![
                    lost("ann", 0),
                    books("bob", 100, 110),
                    sees("bob", 200, Confirmed),
                    books("ann", 40_000, 40_010),
                    sees("ann", 41_000, Confirmed),
                ],
                1,
            ),
            (
                "the first answer was lost, and the seat came free",
                vec![
                    lost("ann", 0),
                    books("bob", 100, 110),
                    cancels("bob", 200, 210),
                    books("ann", 40_000, 40_010),
                    sees("ann", 41_000, Confirmed),
                ],
                0,
            ),
        ];
        for (name, history, expected) in rows {
            assert_eq!(doubled(&history), expected, "{name}: {:#?}", of(&history));
        }
    }

    #[test]
    fn a_booking_that_was_paid_late_may_get_other_seats() {
        let moved = Attempt { seats: vec![7], ..sees("ann", 40_000, Outcome::Confirmed) };
        let tenures = of(&[books("ann", 0, 10), moved]);
        let bounds = |seat: u32| {
            let of_seat = &tenures[&("e".to_owned(), seat)];
            of_seat.iter().map(|tenure| (tenure.from_ms, tenure.by_ms, tenure.until_ms)).collect::<Vec<_>>()
        };
        let freed_ms = 10 + HOLD_MS - CLOCK_SLACK_MS;
        assert_eq!(bounds(5), [(0, 10, Some(freed_ms))]);
        assert_eq!(bounds(7), [(freed_ms, 40_005, None)]);
    }
}
