//! The benchmarks: what GoTicket does in a second, as ratios to limits measured in the same run on the same machine.
//!
//! `bench booking` measures the booking pipeline, `bench queue` the waiting rooms. `cargo xtask bench NAME` builds it in release and calls it.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a program for a terminal, not part of the product")]

mod bare;
mod booking;
mod client;
mod latency;
mod memory;
mod options;
mod queue;
mod rates;
mod report;
mod series;
mod table;

use std::process::ExitCode;

use clap::Parser as _;

/// As the product's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let run = async {
        match options::Options::parse().benchmark {
            options::Benchmark::Booking(options) => booking::run(&options).await,
            options::Benchmark::Queue(options) => queue::run(&options).await,
            options::Benchmark::Bare(options) => bare::serve(options.body_bytes).await.map(|()| true),
        }
    };
    // Dropping the run on Ctrl-C drops what it started: servers, processes, folders.
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
            println!("\nThe benchmark could not be carried out: {error:#}");
            ExitCode::FAILURE
        }
    }
}
