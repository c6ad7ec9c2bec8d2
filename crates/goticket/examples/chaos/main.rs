//! A sale while everything goes wrong: real servers, real processes, real HTTP clients, faults by a seed. Then healing, every key once
//! more, and judges who know nothing of the system's inside. `cargo xtask chaos` calls it; docs/CHAOS.md describes it.
//!
//! Data flows one way: `run` sets the `stage`, sends the `crowd` through the `shop` into the `history` while `faults` befall the `cast`,
//! lets it `settle`, and gives the history to the `judge`.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a program for a terminal, not part of the product")]
#![allow(clippy::disallowed_methods, reason = "a composition root: the clock starts here")]

mod cast;
mod clock;
mod crowd;
mod fan;
mod faults;
mod history;
mod judge;
mod options;
mod run;
mod settle;
mod shop;
mod stage;
mod verdict;
mod watch;
mod wish;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;

use self::options::Options;
use self::verdict::{Row, Verdict};

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    if options.plan {
        for planned in faults::plan(options.seed, options.seconds, &options.kinds()) {
            println!("{planned}");
        }
        return ExitCode::SUCCESS;
    }
    let run = async {
        match &options.judge {
            Some(file) => judge_file(file, &options),
            None => run::run(&options).await,
        }
    };
    // Dropping the run on Ctrl-C drops what it started: processes, servers, folders.
    let ended = tokio::select! {
        ended = run => ended,
        _ = tokio::signal::ctrl_c() => {
            println!("\nInterrupted: taking everything down.");
            Ok(false)
        }
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("\nThe run could not be carried out: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The judges alone, on a history that a run has written.
fn judge_file(file: &Path, options: &Options) -> anyhow::Result<bool> {
    let (mut rows, compared) = judge::judge(&history::read(file)?);
    rows.push(Row::minimum("held", compared.held, options.least_held()));
    rows.push(Row::minimum("keys", compared.keys_replayed, options.least_keys()));
    rows.push(Row::minimum("handovers", compared.handovers, options.least_handovers()));
    let verdict = Verdict(rows);
    println!("{verdict}");
    Ok(verdict.passes())
}
