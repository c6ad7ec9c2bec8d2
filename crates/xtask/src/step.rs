//! Runs one outside command, and when it fails says which one, why, and what to do by hand.

use std::{
    fmt,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use crate::disk;

/// Lines of a failed command's output that are shown.
const TAIL: usize = 25;

/// A step that did not work.
#[derive(Debug)]
pub(crate) struct Failure {
    step: String,
    command: String,
    cause: String,
    by_hand: String,
}

impl Failure {
    pub(crate) fn new(step: &str, cause: impl fmt::Display, by_hand: &str) -> Self {
        Self { step: step.into(), command: String::new(), cause: cause.to_string(), by_hand: by_hand.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "This failed: {}", self.step)?;
        if !self.command.is_empty() {
            writeln!(f, "  command: {}", self.command)?;
        }
        for line in self.cause.lines() {
            writeln!(f, "  | {line}")?;
        }
        if !self.by_hand.is_empty() {
            writeln!(f, "  by hand: {}", self.by_hand)?;
        }
        Ok(())
    }
}

/// Runs `command` to its end without showing its output, which belongs to the failure.
pub(crate) fn quietly(step: &str, command: &mut Command, by_hand: &str) -> Result<(), Failure> {
    println!("· {step} …");
    let begun = Instant::now();
    let line = shown(command);
    let failed = |cause: String| Failure { step: step.into(), command: line.clone(), cause, by_hand: by_hand.into() };
    let output = command.stdin(Stdio::null()).output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        let both = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&both);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let tail = lines[lines.len().saturating_sub(TAIL)..].join("\n");
        return Err(failed(format!("{tail}\n{}", output.status)));
    }
    println!("  done in {:.1} s", begun.elapsed().as_secs_f32());
    Ok(())
}

/// Runs `command` on this terminal and returns when it succeeded.
pub(crate) fn openly(step: &str, command: &mut Command) -> Result<(), Failure> {
    println!("▶ {}", shown(command));
    let failed = |cause: String, command: &Command| {
        let by_hand = target().ok().and_then(|folder| disk::hint(&folder)).unwrap_or_default();
        Failure { step: step.into(), command: shown(command), cause, by_hand }
    };
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(status.to_string(), command)),
        Err(error) => Err(failed(error.to_string(), command)),
    }
}

/// Becomes `command`, the last thing to do: Ctrl-C and the exit code are then its own, with nobody
/// in between who could die first. Returns only when that fails.
pub(crate) fn become_it(step: &str, command: &mut Command) -> Failure {
    println!("▶ {}", shown(command));
    let error = command.exec();
    Failure { step: step.into(), command: shown(command), cause: error.to_string(), by_hand: String::new() }
}

/// The cargo that runs us.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn shown(command: &Command) -> String {
    let quoted = |word: &std::ffi::OsStr| {
        let word = word.to_string_lossy().into_owned();
        if word.contains([' ', '\n', '*', '"']) { format!("'{word}'") } else { word }
    };
    let program = Path::new(command.get_program());
    let mut words = vec![quoted(program.file_name().unwrap_or(program.as_os_str()))];
    words.extend(command.get_args().map(quoted));
    words.join(" ")
}

/// The folder cargo builds into. This program lies in its `debug` folder.
pub(crate) fn target() -> Result<PathBuf, Failure> {
    let own = std::env::current_exe().map_err(|error| Failure::new("find the target folder", error, ""))?;
    own.ancestors()
        .nth(2)
        .map(Path::to_path_buf)
        .ok_or_else(|| Failure::new("find the target folder", own.display(), "run it as `cargo xtask`"))
}
