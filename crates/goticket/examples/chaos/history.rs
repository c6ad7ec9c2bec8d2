//! What every client asked and was answered: one line of JSON per attempt. docs/CHAOS.md describes it; outside judges read it.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One HTTP request and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    /// Number of the line, from 0, in the order of completion.
    pub n: u64,
    pub phase: Phase,
    /// Unix time in milliseconds just before the request was sent, and just after it was answered or given up.
    pub at_ms: i64,
    pub done_ms: i64,
    /// Number of the fan.
    pub client: u32,
    pub account: String,
    pub op: Op,
    pub event: String,
    /// Of a request for seats; of a look, the key whose outcome it looks for.
    pub key: Option<String>,
    /// Which gateway, or the provider, was asked.
    pub via: String,
    /// The request's body.
    pub request: Value,
    /// Null where no answer came.
    pub status: Option<u16>,
    pub outcome: Outcome,
    /// A problem document's code.
    pub code: Option<String>,
    /// `Idempotency-Replayed: true`: decided before this request came.
    pub replayed: bool,
    /// When to come back, as the answer says.
    pub retry_after_s: Option<u64>,
    /// The booking the answer is about; where it names none, the one that was asked about.
    pub booking: Option<String>,
    /// Its seats, by number.
    pub seats: Vec<u32>,
    /// When its hold ends, Unix time in milliseconds.
    pub hold_expires_at_ms: Option<i64>,
    /// The answer's JSON body.
    pub answer: Value,
}

/// When in the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// The sale, under faults.
    Sale,
    /// After everything was made well again: every key once more, and a last look at every booking.
    Settle,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Op {
    Join,
    Place,
    Claim,
    Book,
    Look,
    Cancel,
    Checkout,
    Card,
}

/// What the answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// A booking's state.
    Held,
    Confirmed,
    Expired,
    Cancelled,
    Refunded,
    /// The request got no seats.
    Refused,
    /// Accepted, not decided yet.
    Pending,
    /// Anything that is done and is no booking.
    Done,
    /// Not possible as things stand.
    Conflict,
    NotFound,
    /// 429 or 503: come back later.
    ComeBack,
    /// No answer.
    Unknown,
    /// An answer that no one should get.
    Wrong,
}

impl Outcome {
    /// Is it the state of a booking that came to be?
    pub(crate) fn is_booking(self) -> bool {
        matches!(self, Self::Held | Self::Confirmed | Self::Expired | Self::Cancelled | Self::Refunded)
    }
}

impl Attempt {
    /// A request for seats that was decided: nothing else may ever be said to its key.
    pub(crate) fn is_decision(&self) -> bool {
        self.op == Op::Book && matches!(self.outcome, Outcome::Refused | Outcome::Held)
    }
}

/// The lines so far, and the file they go to.
#[derive(Debug, Default)]
pub(crate) struct History {
    lines: Mutex<Lines>,
}

#[derive(Debug, Default)]
struct Lines {
    all: Vec<Attempt>,
    file: Option<BufWriter<File>>,
}

impl History {
    /// A history that is kept in memory, and in a file where one is named.
    pub(crate) fn new(file: Option<&Path>) -> anyhow::Result<Self> {
        let open = |path: &Path| File::create(path).with_context(|| format!("cannot write {}", path.display()));
        let file = file.map(open).transpose()?.map(BufWriter::new);
        Ok(Self { lines: Mutex::new(Lines { all: Vec::new(), file }) })
    }

    /// Numbers the attempt and keeps it.
    pub(crate) fn add(&self, attempt: &mut Attempt) -> anyhow::Result<()> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        attempt.n = lines.all.len() as u64;
        if let Some(file) = &mut lines.file {
            serde_json::to_writer(&mut *file, attempt).context("cannot write the history")?;
            file.write_all(b"\n")?;
        }
        lines.all.push(attempt.clone());
        Ok(())
    }

    /// Everything so far; the file is complete up to here.
    pub(crate) fn all(&self) -> anyhow::Result<Vec<Attempt>> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &mut lines.file {
            file.flush().context("cannot write the history")?;
        }
        Ok(lines.all.clone())
    }
}

/// Reads a file that a run has written.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Attempt>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let parse = |(number, line): (usize, std::io::Result<String>)| -> anyhow::Result<Attempt> {
        serde_json::from_str(&line?).with_context(|| format!("{}:{} is no attempt", path.display(), number + 1))
    };
    BufReader::new(file).lines().enumerate().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What outside judges read must not change its names.
    #[test]
    fn a_line_is_what_the_document_says() {
        let line = json!({
            "n": 7, "phase": "sale", "at_ms": 1_000, "done_ms": 1_020, "client": 3, "account": "a", "op": "book", "event": "e",
            "key": "k", "via": "gateway-a", "request": { "seats": [1] }, "status": 201, "outcome": "held", "code": null,
            "replayed": false, "retry_after_s": null, "booking": "b", "seats": [1], "hold_expires_at_ms": 31_000, "answer": { "id": "b" },
        });
        let attempt: Attempt = serde_json::from_value(line.clone()).unwrap();
        assert_eq!(serde_json::to_value(&attempt).unwrap(), line);
        let file = tempfile::NamedTempFile::new().unwrap();
        let history = History::new(Some(file.path())).unwrap();
        for _ in 0..2 {
            history.add(&mut attempt.clone()).unwrap();
        }
        let kept = history.all().unwrap();
        assert_eq!(kept.iter().map(|attempt| attempt.n).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(read(file.path()).unwrap(), kept);
    }
}
