//! One server process: its log, and its end when it comes too early.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use crate::{keeper, ready};

/// Lines of a log that an error shows.
const TAIL: usize = 25;

pub(super) struct Server {
    name: &'static str,
    log: PathBuf,
    process: Child,
}

impl Server {
    /// Starts `command` with its output in `<folder>/<name>.log`.
    pub(super) fn spawn(name: &'static str, stack_folder: &Path, mut command: Command) -> Result<Self> {
        let log = log_file(name, stack_folder);
        let output = File::options().create(true).append(true).open(&log)?;
        keeper::mark(&mut command, stack_folder);
        let process = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            // Ctrl-C is for the program that uses the servers: they must outlive its last words.
            .process_group(0)
            .spawn()
            .with_context(|| format!("start {name}: {command:?} (`cargo xtask install` installs it)"))?;
        Ok(Self { name, log, process })
    }

    /// Waits until `probe` succeeds and hands the process over.
    pub(super) async fn ready<Fut>(mut self, probe: impl Fn() -> Fut) -> Result<Child>
    where
        Fut: Future<Output = Result<()>>,
    {
        let process = &mut self.process;
        let alive = || match process.try_wait()? {
            Some(status) => bail!("it ended at once, with {status}"),
            None => Ok(()),
        };
        ready::until(self.name, alive, probe).await.with_context(|| failure(self.name, &self.log))?;
        Ok(self.process)
    }
}

/// Runs a command that ends by itself, such as one that formats a folder.
pub(super) async fn run(name: &'static str, stack_folder: &Path, mut command: Command) -> Result<()> {
    let log = log_file(name, stack_folder);
    let output = File::options().create(true).append(true).open(&log)?;
    keeper::mark(&mut command, stack_folder);
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).process_group(0);
    let status = tokio::task::spawn_blocking(move || command.status().with_context(|| format!("run {command:?}"))).await??;
    if !status.success() {
        bail!("{}: it ended with {status}", failure(name, &log));
    }
    Ok(())
}

fn log_file(name: &str, stack_folder: &Path) -> PathBuf {
    stack_folder.join(format!("{}.log", name.to_lowercase().replace(' ', "-")))
}

fn failure(name: &str, log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines[lines.len().saturating_sub(TAIL)..].join("\n  | ");
    format!("{name} did not start; the end of its log:\n  | {tail}\n")
}
