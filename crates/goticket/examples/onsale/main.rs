//! One onsale, rehearsed: real servers, real processes, real HTTP clients, one report.
//!
//! `onsale demo` sells a theatre to a crowd, kills the booking worker half-way, and proves afterwards that nothing was oversold, lost or
//! doubled. `onsale up` keeps the same stack running for a person with curl. `cargo xtask demo` and `cargo xtask up` call it.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a program for a terminal, not part of the product")]
#![allow(clippy::disallowed_methods, reason = "a composition root: the clock starts here")]

mod api;
mod crowd;
mod demo;
mod fan;
mod night;
mod options;
mod report;
mod stage;
mod tally;
mod up;
mod verdict;

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    let run = async {
        match options::Options::parse().command {
            options::Command::Demo(demo) => demo::run(demo).await,
            options::Command::Up(up) => up::run(up).await,
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
            println!("\nThe onsale could not be carried out: {error:#}");
            ExitCode::FAILURE
        }
    }
}
