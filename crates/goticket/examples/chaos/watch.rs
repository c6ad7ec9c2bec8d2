//! Watches over the processes as an orchestrator does, and tells how the sale goes.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::cast::{Cast, Process};
use crate::shop::Shop;

const LOOK: Duration = Duration::from_millis(300);

/// Before a process is started again: one that gives up at once must not keep the cores busy.
const BACK_OFF: Duration = Duration::from_secs(1);
const TELL: Duration = Duration::from_secs(5);

/// A process that is started while a server is away may give up before it was ever ready; an orchestrator starts it again. One that
/// is older has no excuse.
const YOUNG: Duration = Duration::from_secs(30);

/// What the orchestrator had to do.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    /// Processes that gave up when they were young.
    pub started_again: usize,
    /// Processes that ended by themselves, and should not have.
    pub ended: Vec<String>,
}

/// Starts what ended by itself, until `over`.
pub(crate) async fn orchestrate(cast: &Cast, over: &CancellationToken) -> anyhow::Result<Watched> {
    let mut watched = Watched::default();
    while over.run_until_cancelled(sleep(LOOK)).await.is_some() {
        let ended = cast.deployment.lock().await.take_ended()?;
        if !ended.is_empty() {
            sleep(BACK_OFF).await;
        }
        for (name, status) in ended {
            let Some(process) = Process::ALL.into_iter().find(|process| process.name() == name) else { continue };
            let age = cast.age(process).saturating_sub(BACK_OFF);
            if age < YOUNG {
                watched.started_again += 1;
            } else {
                watched.ended.push(format!("{name} ended by itself after {} s: {status}", age.as_secs()));
            }
            println!("         {name} ended by itself after {:.1} s ({status}) and is started again", age.as_secs_f32());
            cast.start(process).await?;
        }
    }
    Ok(watched)
}

/// A line every few seconds, until `over`.
pub(crate) async fn tell(shop: &Shop, over: &CancellationToken) {
    while over.run_until_cancelled(sleep(TELL)).await.is_some() {
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let tally = &shop.tally;
        println!(
            "         … {} held, {} refused, {} seen confirmed; {} told to come back, {} not answered",
            count(&tally.held),
            count(&tally.refused),
            count(&tally.confirmed),
            count(&tally.come_back),
            count(&tally.unanswered)
        );
    }
}

/// What the processes logged as errors of their own, each with its log's name. Libraries call a lost connection an error: whether it is
/// one, those decide who use it.
pub(crate) fn errors_logged(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            let log = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
            let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            found.extend(log.lines().filter(|line| is_own_error(line)).map(|line| format!("{name}: {line}")));
        }
    }
    found.sort();
    Ok(found)
}

/// A line that is no JSON was printed by a process that could not even log: it panicked.
fn is_own_error(line: &str) -> bool {
    match serde_json::from_str::<Value>(line) {
        Ok(line) => line["level"] == "ERROR" && line["target"].as_str().is_some_and(|target| target.starts_with("goticket")),
        Err(_) => line.contains("panicked at"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_errors_are_told_from_others() {
        for (line, own) in [
            (r#"{"level":"ERROR","target":"goticket_gateway::inbound::problem","fields":{}}"#, true),
            (r#"{"level":"ERROR","target":"goticket","fields":{}}"#, true),
            (r#"{"level":"WARN","target":"goticket_gateway","fields":{}}"#, false),
            (r#"{"level":"ERROR","target":"lapin::io_loop","fields":{}}"#, false),
            ("thread 'main' panicked at src/main.rs:1:1:", true),
            ("note: run with a backtrace", false),
            ("", false),
        ] {
            assert_eq!(is_own_error(line), own, "{line}");
        }
    }
}
