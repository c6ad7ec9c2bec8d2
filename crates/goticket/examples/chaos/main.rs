//! A sale while everything goes wrong: real servers, real processes, real HTTP clients, faults by a seed. Then recovery, every key once
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
mod habits;
mod history;
mod judge;
mod options;
mod run;
mod settle;
mod shop;
mod stage;
mod verdict;
mod watch;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;

use self::options::Options;
use self::verdict::{Proof, Verdict};

/// Exit codes beside 0 and 1: nothing wrong was found, but too little was looked at; and there was no run. 2 is clap's.
const TOO_LITTLE: u8 = 3;
const NOT_CARRIED_OUT: u8 = 4;

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
            return ExitCode::from(NOT_CARRIED_OUT);
        }
    };
    match ended {
        Ok(Proof::Right) => ExitCode::SUCCESS,
        Ok(Proof::Wrong) => ExitCode::FAILURE,
        Ok(Proof::None) => ExitCode::from(TOO_LITTLE),
        Err(error) => {
            println!("\nThe run could not be carried out: {error:#}");
            ExitCode::from(NOT_CARRIED_OUT)
        }
    }
}

/// The judges alone, on a history that a run has written.
fn judge_file(file: &Path, options: &Options) -> anyhow::Result<Proof> {
    let (mut rows, compared) = judge::judge(&history::read(file)?);
    rows.extend(compared.minima(options));
    let verdict = Verdict(rows);
    println!("{verdict}\n{}", verdict.proof());
    Ok(verdict.proof())
}
