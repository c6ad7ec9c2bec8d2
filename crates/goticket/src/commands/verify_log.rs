//! `goticket verify-log`: an operators' log, from what the API says, against a board. Anyone may do it, at any time, without us.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use goticket_domain::queue::{ControlLogHead, LogEntry, verify_control_log};
use goticket_domain::{AccountId, EventId};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::cli::VerifyLogArgs;

/// What is needed of a board.
#[derive(Deserialize)]
struct Board {
    event: EventId,
    control_log: ControlLogHead,
}

/// A page of the log.
#[derive(Deserialize)]
struct Page {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    number: u64,
    at: Timestamp,
    actor: Option<Uuid>,
    change: String,
    reason: String,
    hash: String,
}

impl From<Item> for LogEntry {
    fn from(item: Item) -> Self {
        let Item { number, at, actor, change, reason, hash } = item;
        Self { number, at, actor: actor.map(AccountId), change, reason, hash }
    }
}

pub(super) fn run(args: &VerifyLogArgs) -> anyhow::Result<ExitCode> {
    let board: Board = read(&args.board)?;
    let mut pages: Vec<Vec<Item>> = Vec::new();
    for file in &args.log {
        pages.push(read::<Page>(file)?.items);
    }
    // Pages may be given in any order; within a page the order is part of what was said.
    pages.sort_by_key(|page| page.first().map(|newest| newest.number));
    let entries: Vec<LogEntry> = pages.into_iter().flat_map(|page| page.into_iter().rev()).map(LogEntry::from).collect();
    report(board.event, &entries, &board.control_log)
}

/// Says whether the log is whole, oldest entry first.
pub(super) fn report(event: EventId, entries: &[LogEntry], shown: &ControlLogHead) -> anyhow::Result<ExitCode> {
    match verify_control_log(event, entries, shown) {
        Ok(head) => {
            super::print(&format!(
                "the log is whole: {} entries, the last one's hash is {}; the board was made with {}\n",
                head.number, head.hash, shown.number
            ))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(broken) => {
            super::print(&format!("the log is NOT whole: {broken}\n"))?;
            Ok(ExitCode::FAILURE)
        }
    }
}

fn read<T: DeserializeOwned>(file: &Path) -> anyhow::Result<T> {
    let bytes = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is not what the API says", file.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    /// Three entries as the API tells them, newest first, in two pages, and the board.
    fn said() -> (Value, [Value; 2]) {
        let event = EventId(Uuid::from_u128(7));
        let mut head = ControlLogHead::default();
        let mut items: Vec<Value> = Vec::new();
        for number in 1..=3 {
            let at: Timestamp = format!("2026-01-01T00:00:0{number}.000123Z").parse().unwrap();
            let (change, reason) = (format!(r#"{{"burst":[{number},9]}}"#), format!("“why” {number}"));
            let entry = LogEntry { number, at, actor: None, change, reason, hash: String::new() };
            head = head.after(event, &entry);
            items.insert(
                0,
                json!({ "number": number, "at": at, "actor": null, "change": entry.change, "reason": entry.reason,
                                    "hash": head.hash }),
            );
        }
        let board = json!({ "event": event, "control_log": head, "state": "open" });
        (board, [json!({ "items": items[..2] }), json!({ "items": items[2..] })])
    }

    fn verified(name: &str, board: &Value, pages: &[Value]) -> bool {
        let dir = std::env::temp_dir().join(format!("goticket-verify-log-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let write = |name: String, value: &Value| {
            let file = dir.join(name);
            std::fs::write(&file, value.to_string()).unwrap();
            file
        };
        let log = pages.iter().enumerate().map(|(n, page)| write(format!("log-{n}.json"), page)).collect();
        let args = VerifyLogArgs { board: write("board.json".to_owned(), board), log };
        let code = run(&args).unwrap();
        std::fs::remove_dir_all(&dir).unwrap();
        code == ExitCode::SUCCESS
    }

    #[test]
    fn a_log_as_the_api_tells_it_is_whole_or_is_not() {
        let (board, [newer, older]) = said();
        assert!(verified("whole", &board, &[newer.clone(), older.clone()]));
        assert!(verified("any-order", &board, &[older.clone(), newer.clone()]));
        assert!(!verified("page-missing", &board, std::slice::from_ref(&newer)));
        let mut changed = newer.clone();
        changed["items"][1]["reason"] = json!("another");
        assert!(!verified("changed", &board, &[changed, older.clone()]));
        let mut swapped = newer.clone();
        swapped["items"].as_array_mut().unwrap().swap(0, 1);
        assert!(!verified("order", &board, &[swapped, older.clone()]));
        let mut other = board.clone();
        other["control_log"]["number"] = json!(4);
        assert!(!verified("cut-off", &other, &[newer, older]));
    }
}
