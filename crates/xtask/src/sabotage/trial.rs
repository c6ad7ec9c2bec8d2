//! One trial: compile the copy, run the check, read what it says.

use std::{
    fs::{self, File},
    io,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, ExitStatus, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use super::{
    copy::Copy,
    outcome::{Outcome, of_chaos, of_tests},
    stack_variables,
    table::Check,
};
use crate::{
    example::Built,
    step::{Failure, openly},
};

/// A sabotaged program may wait for ever.
const TRIAL_MAX: Duration = Duration::from_mins(15);
const LOOK: Duration = Duration::from_millis(200);

/// Runs the check in the copy as it is now. Code that does not compile proves nothing.
pub(super) fn try_out(copy: &Copy, check: &Check, name: &str) -> Result<Outcome, Failure> {
    let log = copy.log(name);
    match check {
        Check::Tests { package, binary, filter } => {
            let mut compile = copy.cargo();
            compile.args(["test", "-p", package, "--test", binary, "--no-run", "--quiet"]);
            if openly("compile the check", &mut compile).is_err() {
                return Ok(Outcome::NoProof("it does not compile".to_owned()));
            }
            let mut test = copy.cargo();
            test.args(["test", "-p", package, "--test", binary, "--", filter]);
            let ended = run(&mut test, &log)?;
            Ok(ended.map_or_else(too_long, |status| of_tests(status.success(), &read(&log))))
        }
        Check::Chaos(args) => {
            let Ok(built) = Built::new(copy.cargo(), &copy.target(), "chaos", true) else {
                return Ok(Outcome::NoProof("it does not compile".to_owned()));
            };
            let mut chaos = built.command();
            chaos.args(args.split_whitespace());
            for variable in stack_variables() {
                chaos.env_remove(variable);
            }
            let ended = run(&mut chaos, &log)?;
            Ok(ended.map_or_else(too_long, |status| of_chaos(status.code(), &read(&log))))
        }
    }
}

fn too_long() -> Outcome {
    Outcome::NoProof(format!("it did not end within {} minutes", TRIAL_MAX.as_secs() / 60))
}

/// Runs it with its output in `log`; `None` where it had to be ended.
fn run(command: &mut Command, log: &Path) -> Result<Option<ExitStatus>, Failure> {
    let failed = |error: io::Error| Failure::new("run the check", error, "");
    let output = File::create(log).map_err(failed)?;
    command.stdin(Stdio::null()).stdout(output.try_clone().map_err(failed)?).stderr(output);
    // A group of its own, so that all of it can be ended.
    let mut child = command.process_group(0).spawn().map_err(failed)?;
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            return Ok(Some(status));
        }
        if begun.elapsed() > TRIAL_MAX {
            let group = format!("-{}", child.id());
            let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
            child.wait().map_err(failed)?;
            return Ok(None);
        }
        sleep(LOOK);
    }
}

fn read(log: &Path) -> String {
    fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}
