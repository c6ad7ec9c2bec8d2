//! `stack run -- COMMAND…`: runs a command with a stack of its own, and passes its exit code on.
//!
//! All test binaries of one `cargo test` share it that way.

use std::{
    os::unix::process::ExitStatusExt as _,
    process::{Command, ExitCode, ExitStatus},
    time::Instant,
};

use anyhow::{Context as _, Result};
use goticket_testkit::{Durability, Stack};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (Some("run"), Some("--")) = (args.next().as_deref(), args.next().as_deref()) else {
        say("usage: stack run -- COMMAND [ARGUMENT…]");
        return ExitCode::from(2);
    };
    let words: Vec<String> = args.collect();
    match run(&words).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            say(&format!("stack: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(words: &[String]) -> Result<u8> {
    let (program, args) = words.split_first().context("there is no command to run")?;
    // The terminal sends Ctrl-C to the command as well: it ends, and then so do we.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;

    let begun = Instant::now();
    let stack = tokio::select! {
        stack = Stack::start(Durability::Fast) => stack?,
        _ = interrupt.recv() => return Ok(130),
        _ = terminate.recv() => return Ok(143),
    };
    say(&format!("stack: the servers run after {:.1} s", begun.elapsed().as_secs_f32()));

    let begun = Instant::now();
    let mut command = Command::new(program);
    command.args(args).envs(stack.env());
    stack.adopt(&mut command);
    let mut child = command.spawn().with_context(|| format!("start {program}"))?;
    let waiting = tokio::task::spawn_blocking(move || child.wait());
    tokio::pin!(waiting);
    let code = loop {
        tokio::select! {
            status = &mut waiting => break exit_code(status??),
            _ = interrupt.recv() => {}
            // Nobody else tells the command: what bears the stack's mark ends with the stack.
            _ = terminate.recv() => break 143,
        }
    };
    stack.stop().await?;
    let verdict = if code == 0 { "succeeded".into() } else { format!("failed with code {code}") };
    say(&format!("stack: `{}` {verdict} after {:.1} s; the servers are gone", words.join(" "), begun.elapsed().as_secs_f32()));
    Ok(code)
}

/// As a shell would say it: 128 + signal for a command that was killed.
fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[expect(clippy::print_stderr, reason = "a command line tool speaks on its terminal")]
fn say(line: &str) {
    eprintln!("{line}");
}
