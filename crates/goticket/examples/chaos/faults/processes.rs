//! Processes that die, and processes that stand still.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::time::sleep;

use crate::cast::{Cast, Process};

/// How long a signal may take to show.
const SIGNAL: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(10);

/// SIGKILL; after `dead` it is started again.
pub(super) async fn kill(cast: &Cast, process: Process, dead: Duration) -> anyhow::Result<String> {
    let id = kill_now(cast, process).await?;
    sleep(dead).await;
    cast.start(process).await?;
    Ok(format!("process {id} is gone"))
}

/// SIGKILL. It is gone on return: its process id until then.
pub(super) async fn kill_now(cast: &Cast, process: Process) -> anyhow::Result<u32> {
    let mut deployment = cast.deployment.lock().await;
    let id = deployment.process_id(process.name())?;
    deployment.kill(process.name()).await?;
    ensure!(!stat_file(id).exists(), "process {id} outlived SIGKILL");
    Ok(id)
}

/// SIGSTOP for so long, then SIGCONT.
pub(super) async fn stop(cast: &Cast, process: Process, still: Duration) -> anyhow::Result<String> {
    let id = cast.deployment.lock().await.process_id(process.name())?;
    cast.deployment.lock().await.pause(process.name())?;
    let stood_still = stands_still(id, still).await;
    cast.deployment.lock().await.resume(process.name())?;
    stood_still?;
    until(id, |state| state != 'T').await.context("it does not go on")?;
    Ok(format!("process {id} stood still for {:.1} s", still.as_secs_f32()))
}

async fn stands_still(id: u32, still: Duration) -> anyhow::Result<()> {
    until(id, |state| state == 'T').await.context("it does not stop")?;
    let before = stat(id)?;
    sleep(still).await;
    let after = stat(id)?;
    ensure!(after.state == 'T' && after.ticks == before.ticks, "process {id} worked while it was stopped");
    Ok(())
}

async fn until(id: u32, reached: impl Fn(char) -> bool) -> anyhow::Result<()> {
    let begun = tokio::time::Instant::now();
    while !reached(stat(id)?.state) {
        ensure!(begun.elapsed() < SIGNAL, "process {id} is in state {}", stat(id)?.state);
        sleep(LOOK).await;
    }
    Ok(())
}

/// From `/proc/<id>/stat` (proc(5)): the state, and the processor time in ticks, in user and kernel mode.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    state: char,
    ticks: u64,
}

fn stat_file(id: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{id}/stat"))
}

fn stat(id: u32) -> anyhow::Result<Stat> {
    let text = std::fs::read_to_string(stat_file(id)).with_context(|| format!("process {id} has ended"))?;
    parse(&text).with_context(|| format!("{text:?} is no stat"))
}

fn parse(text: &str) -> Option<Stat> {
    // The program's name is in parentheses, and may hold any character.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |n: usize| fields.get(n)?.parse::<u64>().ok();
    // Fields 3, 14 and 15, counted from 1; the name is the second.
    Some(Stat { state: fields.first()?.chars().next()?, ticks: ticks(11)? + ticks(12)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_is_read_whatever_the_program_is_called() {
        let row = |name: &str| format!("4711 ({name}) T 1 4711 4711 0 -1 4194304 1 0 0 0 130 12 0 0 20 0 9 0 1 2 3");
        for name in ["goticket", "a b", "tricky) R (", ""] {
            assert_eq!(parse(&row(name)), Some(Stat { state: 'T', ticks: 142 }), "{name}");
        }
        assert_eq!(parse("4711 (goticket"), None);
        assert_eq!(parse("4711 (goticket) T 1 2"), None);
    }
}
