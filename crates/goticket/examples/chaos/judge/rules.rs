//! The rules every answer keeps: no one is ever told what no client should see.

use std::collections::BTreeMap;

use crate::history::{Attempt, Outcome};

/// Answers that broke a rule, each kind with its number and its first line.
pub(crate) fn check(history: &[Attempt]) -> Vec<String> {
    let mut kinds: BTreeMap<String, (usize, &Attempt)> = BTreeMap::new();
    for attempt in history.iter().filter(|attempt| attempt.outcome == Outcome::Wrong) {
        let status = attempt.status.map_or("no status".to_owned(), |status| status.to_string());
        let kind = format!("{:?}: {status} {}", attempt.op, attempt.code.as_deref().unwrap_or_default());
        kinds.entry(kind).or_insert((0, attempt)).0 += 1;
    }
    kinds.into_iter().map(|(kind, (count, first))| format!("{kind}, {count} times: line {}: {}", first.n, first.answer)).collect()
}
