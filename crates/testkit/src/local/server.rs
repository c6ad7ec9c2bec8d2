//! One server process: its log, its end when it comes too early, and its death and return when a test wants them.

use std::{
    fs::{self, File},
    os::unix::{fs::MetadataExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{keeper, ready};

/// Lines of a log that an error shows.
const TAIL: usize = 25;

/// How long a killed server may take to be gone.
const DEATH: Duration = Duration::from_secs(10);
const DEATH_PAUSE: Duration = Duration::from_millis(20);

pub(crate) struct Server {
    log: PathBuf,
    process: Process,
}

/// A running server, and how it was started.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    command: Command,
    child: Child,
}

impl Server {
    /// Starts `command` with its output in `<folder>/<name>.log`.
    pub(crate) fn spawn(name: &'static str, stack_folder: &Path, mut command: Command) -> Result<Self> {
        let log = log_file(name, stack_folder);
        let output = File::options().create(true).append(true).open(&log)?;
        keeper::mark(&mut command, stack_folder);
        // Ctrl-C is for the program that uses the servers: they must outlive its last words.
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).process_group(0);
        let child = command.spawn().with_context(|| format!("start {name}: {command:?} (`cargo xtask install` installs it)"))?;
        Ok(Self { log, process: Process { name, command, child } })
    }

    /// Waits until `probe` succeeds and hands the process over.
    pub(crate) async fn ready<Fut>(mut self, probe: impl Fn() -> Fut) -> Result<Process>
    where
        Fut: Future<Output = Result<()>>,
    {
        let name = self.process.name;
        self.process.ready(probe).await.with_context(|| failure(name, &self.log))?;
        Ok(self.process)
    }
}

impl Process {
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn command(&self) -> &Command {
        &self.command
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it without any warning, with what it has started, and returns when it is gone. `signal` is the hardest it survives being
    /// sent: PostgreSQL owns a piece of shared memory and quits at once on SIGQUIT. Blocks for a moment.
    pub(crate) fn kill(&mut self, signal: Signal) -> Result<()> {
        let id = Pid::from_raw(i32::try_from(self.child.id())?);
        // Each server leads a group of its own.
        let group = Pid::from_raw(-id.as_raw());
        kill(if signal == Signal::SIGKILL { group } else { id }, signal).with_context(|| format!("kill {}", self.name))?;
        let begun = Instant::now();
        while !self.is_dead()? {
            if begun.elapsed() > DEATH {
                bail!("{} does not die of {signal}", self.name);
            }
            sleep(DEATH_PAUSE);
        }
        // A wrapper is gone before what it wraps.
        while kill(group, None).is_ok() && begun.elapsed() < DEATH {
            sleep(DEATH_PAUSE);
        }
        Ok(())
    }

    /// Whether it has ended.
    pub(crate) fn is_dead(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// From now on no write to a file succeeds, in it and in what it has started.
    pub(crate) fn forbid_writes(&self) -> Result<()> {
        let id = self.child.id();
        forbid_writes(id).with_context(|| format!("take the disk from {}", self.name))?;
        // In this order: what is started from now on inherits it.
        for child in children_of(id)? {
            // One that has ended meanwhile writes nothing either.
            let _ = forbid_writes(child);
        }
        Ok(())
    }

    /// Starts it again, with the same command, after it was killed.
    pub(crate) fn start_again(&mut self) -> Result<()> {
        self.child = self.command.spawn().with_context(|| format!("start {} again", self.name))?;
        Ok(())
    }

    /// Waits until `probe` succeeds.
    pub(crate) async fn ready<Fut>(&mut self, probe: impl Fn() -> Fut) -> Result<()>
    where
        Fut: Future<Output = Result<()>>,
    {
        let child = &mut self.child;
        let alive = || match child.try_wait()? {
            Some(status) => bail!("it ended at once, with {status}"),
            None => Ok(()),
        };
        ready::until(self.name, alive, probe).await
    }

    /// For the end of the stack: dead already; this reaps it, and would be the end of one that was missed.
    pub(crate) fn reap(&mut self) {
        let _ = (self.child.kill(), self.child.wait());
    }
}

/// Files can have no byte. Said by its own user: nobody else may, not even a root that is confined.
fn forbid_writes(process: u32) -> Result<()> {
    let owner = fs::metadata(format!("/proc/{process}"))?;
    let mut prlimit = Command::new("prlimit");
    prlimit.arg("--pid").arg(process.to_string()).arg("--fsize=0:").uid(owner.uid()).gid(owner.gid());
    let said = prlimit.stdin(Stdio::null()).output().context("run prlimit")?;
    if !said.status.success() {
        bail!("prlimit: {}", String::from_utf8_lossy(&said.stderr).trim());
    }
    Ok(())
}

fn children_of(parent: u32) -> Result<Vec<u32>> {
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        if status.lines().any(|line| line.strip_prefix("PPid:").is_some_and(|ppid| ppid.trim().parse() == Ok(parent))) {
            children.push(id);
        }
    }
    Ok(children)
}

/// Runs a command that ends by itself, such as one that formats a folder.
pub(crate) async fn run(name: &'static str, stack_folder: &Path, mut command: Command) -> Result<()> {
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
