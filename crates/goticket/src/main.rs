//! The `goticket` binary: every role of the system in one process, or any one of them, and the commands of those who run it.
//!
//! The services are libraries; this crate only wires them. With the gateway and admission in one process the waiting room is reached
//! in process, otherwise by gRPC: the same port, another adapter.

mod audit;
mod cli;
mod commands;
mod roles;

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    goticket_platform::crypto::install();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return commands::fail(&anyhow::Error::from(error)),
    };
    match runtime.block_on(commands::run(cli)) {
        Ok(code) => code,
        Err(error) => commands::fail(&error),
    }
}
