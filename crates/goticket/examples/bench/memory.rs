//! Resident memory of processes while they are under load.

use std::{fs, time::Duration};

use anyhow::Context as _;
use tokio::time::interval;

/// How often it is read.
const EVERY: Duration = Duration::from_millis(100);

/// What one process had, in MiB.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Growth {
    pub name: &'static str,
    pub before: u64,
    pub most: u64,
}

impl Growth {
    /// As a part of what it had before.
    pub(crate) fn share(&self) -> f64 {
        let [before, most] = [self.before.max(1), self.most].map(crate::rates::count);
        (most / before - 1.0).max(0.0)
    }
}

/// Reads it again and again while `work` goes on. A process that ended is an error.
pub(crate) async fn watch<T>(
    processes: &[(&'static str, u32)],
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<(T, Vec<Growth>)> {
    let begin = |(name, id): &(&'static str, u32)| resident(*id).map(|now| Growth { name, before: now, most: now });
    let mut growth = processes.iter().map(begin).collect::<anyhow::Result<Vec<_>>>()?;
    tokio::pin!(work);
    let mut ticks = interval(EVERY);
    loop {
        tokio::select! {
            done = &mut work => return Ok((done?, growth)),
            _ = ticks.tick() => {
                for (growth, (_, id)) in growth.iter_mut().zip(processes) {
                    growth.most = growth.most.max(resident(*id)?);
                }
            }
        }
    }
}

/// In MiB.
fn resident(process: u32) -> anyhow::Result<u64> {
    Ok(resident_kib(process)? / 1_024)
}

/// In KiB.
pub(crate) fn resident_kib(process: u32) -> anyhow::Result<u64> {
    let file = format!("/proc/{process}/status");
    let status = fs::read_to_string(&file).with_context(|| format!("read {file}"))?;
    parse(&status).with_context(|| format!("{file} has no VmRSS"))
}

fn parse(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_it_in_kibibytes() {
        assert_eq!(parse("Name:\tgoticket\nVmHWM:\t  999999 kB\nVmRSS:\t  204800 kB\nThreads:\t4\n"), Some(204_800));
        assert_eq!(parse("Name:\tgoticket\n"), None);
    }

    #[test]
    fn growth_is_a_part_of_what_was_there() {
        let growth = |before, most| Growth { name: "gateway", before, most }.share();
        assert!((growth(200, 300) - 0.5).abs() < 1e-9);
        assert!(growth(200, 150).abs() < 1e-9);
    }
}
