//! Nothing moves backwards: what one look saw, a later one does not deny.

use std::collections::BTreeMap;

use crate::history::{Attempt, Op, Outcome, Phase};

/// What was compared, and what contradicts.
#[derive(Debug, Default)]
pub(crate) struct Promises {
    pub bookings: usize,
    pub confirmed: usize,
    /// Moves from one look to a later one.
    pub moves: usize,
    pub wrong: Vec<String>,
}

/// Looks at every booking that somebody was told of.
pub(crate) fn check(history: &[Attempt]) -> Promises {
    let mut bookings: BTreeMap<&str, Vec<&Attempt>> = BTreeMap::new();
    for attempt in history.iter().filter(|attempt| told_of(attempt)) {
        if let Some(booking) = &attempt.booking {
            bookings.entry(booking).or_default().push(attempt);
        }
    }
    // The last look may have found nothing.
    let last: BTreeMap<&str, &Attempt> = history
        .iter()
        .filter(|attempt| attempt.phase == Phase::Settle && attempt.op == Op::Look)
        .filter_map(|attempt| Some((attempt.booking.as_deref()?, attempt)))
        .collect();
    let mut promises = Promises { bookings: bookings.len(), ..Promises::default() };
    for (booking, mut seen) in bookings {
        seen.sort_by_key(|attempt| attempt.at_ms);
        promises.confirmed += usize::from(seen.iter().any(|attempt| attempt.outcome == Outcome::Confirmed));
        promises.follow(booking, &seen);
        match last.get(booking).map(|attempt| attempt.outcome) {
            None => promises.wrong.push(format!("booking {booking} was not looked at in the end")),
            Some(Outcome::Held) => promises.wrong.push(format!("booking {booking} is still held in the end")),
            Some(outcome) if outcome.is_booking() => {}
            Some(outcome) => promises.wrong.push(format!("booking {booking} is gone in the end: {outcome:?}")),
        }
    }
    promises
}

/// A decision tells of the moment it was made in, whenever it is told again: only looks tell how a booking stands.
fn told_of(attempt: &Attempt) -> bool {
    attempt.outcome.is_booking() && (attempt.op != Op::Book || !attempt.replayed)
}

impl Promises {
    /// `seen` by the beginning of each look. Of two that overlapped no one knows which was first.
    fn follow(&mut self, booking: &str, seen: &[&Attempt]) {
        for (n, earlier) in seen.iter().enumerate() {
            let Some(later) = seen[n + 1..].iter().find(|later| later.at_ms >= earlier.done_ms) else { continue };
            self.moves += 1;
            if !possible(earlier.outcome, later.outcome) {
                let (from, to) = (earlier.outcome, later.outcome);
                self.wrong.push(format!("booking {booking} went from {from:?} to {to:?} (lines {} and {})", earlier.n, later.n));
            }
        }
    }
}

/// Held for a while; then confirmed, for good unless it is refunded. What ran out may still be paid for, what was given back may not.
fn possible(from: Outcome, to: Outcome) -> bool {
    use Outcome::{Confirmed, Expired, Held, Refunded};
    match (from, to) {
        (Held, _) => true,
        (Confirmed, to) => matches!(to, Confirmed | Refunded),
        (Expired, to) => matches!(to, Expired | Confirmed | Refunded),
        (from, to) => from == to,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn look(n: u64, phase: Phase, outcome: Outcome) -> Attempt {
        let at_ms = i64::try_from(n).unwrap() * 100;
        Attempt {
            n,
            phase,
            at_ms,
            done_ms: at_ms + 10,
            client: 1,
            account: "ann".to_owned(),
            op: Op::Look,
            event: "e".to_owned(),
            key: None,
            via: "gateway-a".to_owned(),
            request: Value::Null,
            status: None,
            outcome,
            code: None,
            replayed: false,
            retry_after_s: None,
            booking: Some("b".to_owned()),
            seats: vec![5],
            hold_expires_at_ms: None,
            answer: Value::Null,
        }
    }

    #[test]
    fn what_was_seen_stays_true() {
        use Outcome::{Cancelled, Confirmed, Expired, Held, NotFound, Refunded, Unknown};
        let rows: [(&[Outcome], usize); 14] = [
            (&[Held, Confirmed], 0),
            (&[Held, Expired], 0),
            (&[Held, Cancelled, Cancelled], 0),
            (&[Held, Expired, Confirmed], 0),
            (&[Held, Confirmed, Refunded], 0),
            (&[Held, Unknown, Confirmed], 0),
            (&[Held, Held], 1),
            (&[Held, NotFound], 1),
            (&[Held, Unknown], 1),
            (&[Confirmed, Expired], 1),
            (&[Confirmed, Cancelled], 1),
            (&[Expired, Held, Confirmed], 1),
            (&[Cancelled, Expired], 1),
            (&[Cancelled, Confirmed], 1),
        ];
        for (outcomes, wrong) in rows {
            let last = outcomes.len() - 1;
            let phase = |n: usize| if n == last { Phase::Settle } else { Phase::Sale };
            let history: Vec<Attempt> = (0..).zip(outcomes).map(|(n, outcome)| look(n as u64, phase(n), *outcome)).collect();
            assert_eq!(check(&history).wrong.len(), wrong, "{outcomes:?}: {:?}", check(&history));
        }
    }

    #[test]
    fn looks_that_overlap_contradict_nothing() {
        let mut history = [
            look(0, Phase::Sale, Outcome::Confirmed),
            look(1, Phase::Settle, Outcome::Held),
            look(2, Phase::Settle, Outcome::Confirmed),
        ];
        assert_eq!(check(&history).wrong.len(), 1);
        history[0].done_ms = history[1].at_ms + 5;
        assert_eq!(check(&history).wrong.len(), 0);
    }

    #[test]
    fn a_replayed_decision_tells_of_the_past() {
        let replay = Attempt { op: Op::Book, replayed: true, ..look(1, Phase::Settle, Outcome::Held) };
        let history = [look(0, Phase::Sale, Outcome::Confirmed), replay, look(2, Phase::Settle, Outcome::Confirmed)];
        assert_eq!(check(&history).wrong.len(), 0);
    }
}
