//! One key, one outcome: whatever was said to a key, at whatever moment and by whichever gateway, is the outcome that is stored in the
//! end.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::history::{Attempt, Op, Outcome, Phase};

/// Refusals a gateway may give before the queue: nothing is stored then, and the key stays free.
const BY_THE_MAP: [&str; 5] = ["seats_sold", "seats_held", "seats_yours", "contended", "sale_closed"];

/// What was compared, and what contradicts.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// Keys that were sent.
    pub keys: usize,
    /// Of those, the ones that were sent once more in the end, and decided.
    pub replayed: usize,
    /// Keys of which a 202 said that they would be decided.
    pub accepted: usize,
    /// Earlier answers that were compared with the outcome in the end.
    pub compared: usize,
    /// Refusals that nothing was stored of.
    pub by_the_map: usize,
    pub wrong: Vec<String>,
}

/// Looks at every key.
pub(crate) fn check(history: &[Attempt]) -> Answers {
    let mut keys: BTreeMap<(&str, &str), Vec<&Attempt>> = BTreeMap::new();
    for attempt in history.iter().filter(|attempt| matches!(attempt.op, Op::Book | Op::Look)) {
        if let Some(key) = &attempt.key {
            keys.entry((&attempt.account, key)).or_default().push(attempt);
        }
    }
    let mut answers = Answers { keys: keys.len(), ..Answers::default() };
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for ((_, key), attempts) in keys {
        answers.look_at(key, &attempts);
        let held = attempts.iter().filter(|attempt| attempt.op == Op::Book && attempt.outcome == Outcome::Held);
        for booking in held.filter_map(|attempt| attempt.booking.as_deref()) {
            let owner = *owners.entry(booking).or_insert(key);
            if owner != key {
                answers.wrong.push(format!("booking {booking} is the outcome of two keys, {owner} and {key}"));
            }
        }
    }
    answers
}

impl Answers {
    fn look_at(&mut self, key: &str, attempts: &[&Attempt]) {
        let stored = attempts.iter().rev().find(|attempt| attempt.phase == Phase::Settle && attempt.is_decision());
        let Some(stored) = stored else {
            let last = attempts.last().map(|attempt| (attempt.outcome, attempt.status, &attempt.code));
            return self.wrong.push(format!("key {key} was never decided: {last:?}"));
        };
        self.replayed += 1;
        // Everything had drained by then: who was told "accepted" needs no one to ask again.
        let accepted = attempts
            .iter()
            .find(|attempt| attempt.phase == Phase::Sale && attempt.op == Op::Book && attempt.outcome == Outcome::Pending);
        let first = attempts.iter().find(|attempt| attempt.is_decision());
        if let (Some(accepted), Some(first)) = (accepted, first) {
            self.accepted += 1;
            if first.phase == Phase::Settle && !first.replayed {
                self.wrong.push(format!(
                    "key {key} was accepted, and forgotten until it was sent again (lines {} and {})",
                    accepted.n, first.n
                ));
            }
        }
        for attempt in attempts.iter().filter(|attempt| attempt.n != stored.n) {
            if attempt.is_decision() {
                self.compare(key, attempt, stored, attempts);
            } else if attempt.op == Op::Look && (attempt.outcome.is_booking() || attempt.outcome == Outcome::Refused) {
                self.compared += 1;
                if let Some(why) = differs(attempt, stored) {
                    self.wrong.push(format!("key {key}: {why} (lines {} and {})", attempt.n, stored.n));
                }
            }
        }
    }

    /// Two decisions of one key.
    fn compare(&mut self, key: &str, attempt: &Attempt, stored: &Attempt, all: &[&Attempt]) {
        // Said again to a later request: of what this one was told, nothing was stored.
        let again = all.iter().any(|later| later.is_decision() && !later.replayed && later.at_ms >= attempt.done_ms);
        let by_the_map = attempt.code.as_deref().is_some_and(|code| BY_THE_MAP.contains(&code)) && !attempt.replayed;
        if again && by_the_map {
            self.by_the_map += 1;
            return;
        }
        self.compared += 1;
        let lines = (attempt.n, stored.n);
        if (attempt.status, comparable(&attempt.answer)) != (stored.status, comparable(&stored.answer)) {
            let said = |attempt: &Attempt| format!("{:?} {}", attempt.status, comparable(&attempt.answer));
            self.wrong.push(format!("key {key} was told {} and then {} (lines {lines:?})", said(attempt), said(stored)));
        } else if again {
            self.wrong.push(format!("key {key} was decided, and decided again as if it had not been (line {})", attempt.n));
        }
    }
}

/// Whether a look at what became of an accepted key says something else than the decision.
fn differs(look: &Attempt, stored: &Attempt) -> Option<String> {
    match (look.outcome, stored.outcome) {
        (Outcome::Refused, Outcome::Refused) => {
            let short = |code: &Option<String>| {
                let code = code.as_deref().unwrap_or_default();
                code.trim_start_matches("seats_").trim_start_matches("booking_").trim_start_matches("invalid_").to_owned()
            };
            let (seen, told) = (short(&look.code), short(&stored.code));
            (seen != told).then(|| format!("its page says refused as {seen}, its key {told}"))
        }
        (Outcome::Refused, _) => Some("its page says refused, its key held".to_owned()),
        (_, Outcome::Refused) => Some(format!("its page says {:?}, its key refused", look.outcome)),
        _ if look.booking != stored.booking => Some(format!("its page shows {:?}, its key {:?}", look.booking, stored.booking)),
        _ => None,
    }
}

/// Without what names the request instead of the outcome.
fn comparable(answer: &Value) -> Value {
    let mut answer = answer.clone();
    if let Some(members) = answer.as_object_mut() {
        members.remove("request_id");
    }
    answer
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Wrong, compared, refused by the map.
    type Counts = (usize, usize, usize);

    /// What was said to the key `k`.
    fn book(n: u64, phase: Phase, answer: Value, replayed: bool) -> Attempt {
        let (status, outcome) = match (answer["state"].as_str(), answer["code"].as_str()) {
            (Some("held"), _) => (Some(201), Outcome::Held),
            (Some("pending"), _) => (Some(202), Outcome::Pending),
            (_, Some("unavailable")) => (Some(503), Outcome::ComeBack),
            (_, Some(_)) => (Some(409), Outcome::Refused),
            _ => (None, Outcome::Unknown),
        };
        let at_ms = i64::try_from(n).unwrap() * 100;
        Attempt {
            n,
            phase,
            at_ms,
            done_ms: at_ms + 10,
            client: 1,
            account: "ann".to_owned(),
            op: Op::Book,
            event: "e".to_owned(),
            key: Some("k".to_owned()),
            via: "gateway-a".to_owned(),
            request: json!({ "seats": [5] }),
            status,
            outcome,
            code: answer["code"].as_str().map(str::to_owned),
            replayed,
            retry_after_s: None,
            booking: answer["id"].as_str().map(str::to_owned),
            seats: Vec::new(),
            hold_expires_at_ms: None,
            answer,
        }
    }

    fn held(id: &str) -> Value {
        json!({ "id": id, "state": "held", "seats": [{ "no": 5 }] })
    }

    fn refused(code: &str) -> Value {
        json!({ "code": code, "request_id": format!("r{}", code.len()), "status": 409 })
    }

    fn look(n: u64, outcome: Outcome, code: Option<&str>, booking: &str) -> Attempt {
        let (op, code, booking) = (Op::Look, code.map(str::to_owned), Some(booking.to_owned()));
        Attempt { op, outcome, code, booking, status: Some(200), ..book(n, Phase::Sale, Value::Null, false) }
    }

    #[test]
    fn a_key_is_told_one_thing() {
        use Phase::{Sale, Settle};
        let away = || json!({ "code": "unavailable" });
        let pending = || json!({ "id": "p", "state": "pending" });
        let other_request = |mut answer: Value| {
            answer["request_id"] = json!("another");
            answer
        };
        let rows: [(&str, Vec<Attempt>, Counts); 18] = [
            ("held, and held", vec![book(0, Sale, held("b"), false), book(1, Settle, held("b"), true)], (0, 1, 0)),
            (
                "refused, and refused",
                vec![book(0, Sale, refused("contended"), false), book(1, Settle, other_request(refused("contended")), true)],
                (0, 1, 0),
            ),
            ("no answer, then decided", vec![book(0, Sale, Value::Null, false), book(1, Settle, held("b"), false)], (0, 0, 0)),
            ("never decided", vec![book(0, Sale, held("b"), false), book(1, Settle, away(), false)], (1, 0, 0)),
            ("never sent again", vec![book(0, Sale, held("b"), false)], (1, 0, 0)),
            (
                "held, then refused",
                vec![book(0, Sale, held("b"), false), book(1, Settle, refused("seats_held"), true)],
                (1, 1, 0),
            ),
            ("refused, then held", vec![book(0, Sale, refused("contended"), false), book(1, Settle, held("b"), true)], (1, 1, 0)),
            ("another booking", vec![book(0, Sale, held("b"), false), book(1, Settle, held("c"), true)], (1, 1, 0)),
            (
                "another reason",
                vec![book(0, Sale, refused("contended"), false), book(1, Settle, refused("seats_sold"), true)],
                (1, 1, 0),
            ),
            (
                "refused by the map",
                vec![book(0, Sale, refused("seats_held"), false), book(1, Settle, held("b"), false)],
                (0, 0, 1),
            ),
            (
                "told held by the map, and it was stored as something else",
                vec![book(0, Sale, refused("seats_held"), false), book(1, Settle, held("b"), true)],
                (1, 1, 0),
            ),
            (
                "refused by the map, then decided, then replayed",
                vec![
                    book(0, Sale, refused("seats_sold"), false),
                    book(1, Sale, held("b"), false),
                    book(2, Settle, held("b"), true),
                ],
                (0, 1, 1),
            ),
            ("decided twice, by luck alike", vec![book(0, Sale, held("b"), false), book(1, Settle, held("b"), false)], (1, 1, 0)),
            ("accepted, and decided", vec![book(0, Sale, pending(), false), book(1, Settle, held("b"), true)], (0, 0, 0)),
            ("accepted, and forgotten", vec![book(0, Sale, pending(), false), book(1, Settle, held("b"), false)], (1, 0, 0)),
            (
                "accepted, and decided when it was sent again at once",
                vec![book(0, Sale, pending(), false), book(1, Sale, held("b"), false), book(2, Settle, held("b"), true)],
                (0, 1, 0),
            ),
            (
                "accepted, its page agrees",
                vec![book(0, Sale, pending(), false), look(1, Outcome::Expired, None, "b"), book(2, Settle, held("b"), true)],
                (0, 1, 0),
            ),
            (
                "accepted, its page does not agree",
                vec![
                    book(0, Sale, pending(), false),
                    look(1, Outcome::Refused, Some("held"), "p"),
                    look(2, Outcome::Held, None, "c"),
                    book(3, Settle, held("b"), true),
                ],
                (2, 2, 0),
            ),
        ];
        for (name, history, (wrong, compared, by_the_map)) in rows {
            let found = check(&history);
            assert_eq!((found.wrong.len(), found.compared, found.by_the_map), (wrong, compared, by_the_map), "{name}: {found:?}");
        }
    }

    #[test]
    fn a_booking_has_one_key() {
        let other = Attempt { key: Some("l".to_owned()), ..book(2, Phase::Settle, held("b"), true) };
        let found = check(&[book(0, Phase::Sale, held("b"), false), book(1, Phase::Settle, held("b"), true), other]);
        assert_eq!((found.keys, found.wrong.len()), (2, 1), "{found:?}");
    }

    #[test]
    fn a_page_names_reasons_shorter_than_a_key() {
        for (page, key, agree) in [
            ("sold", "seats_sold", true),
            ("failed", "booking_failed", true),
            ("contended", "contended", true),
            ("held", "seats_sold", false),
        ] {
            let history = [
                book(0, Phase::Sale, json!({ "id": "p", "state": "pending" }), false),
                look(1, Outcome::Refused, Some(page), "p"),
                book(2, Phase::Settle, refused(key), true),
            ];
            assert_eq!(check(&history).wrong.is_empty(), agree, "{page} {key}");
        }
    }
}
