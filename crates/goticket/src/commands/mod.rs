//! The commands, one file each.

mod accounts;
mod audit;
mod keys;
mod migrate;
mod mint_tokens;
mod ops;
mod serve;
mod simulate;
mod venue;
mod verify_draw;
mod verify_log;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use serde::de::DeserializeOwned;

use crate::cli::{Cli, Command};

/// Runs what was asked for.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let config = cli.config.as_deref();
    match cli.command {
        Command::Serve { roles } => serve::run(config, &roles).await,
        Command::Migrate => migrate::run(config).await,
        Command::Audit(args) => audit::run(config, &args).await,
        Command::Ops(args) => Box::pin(ops::run(config, args)).await,
        Command::VerifyDraw(args) => verify_draw::run(&args),
        Command::VerifyLog(args) => verify_log::run(&args),
        Command::MintTokens(args) => mint_tokens::run(config, &args).await,
        Command::Venue(command) => venue::run(command),
        Command::Accounts(command) => accounts::run(config, command).await,
        Command::Keys(command) => keys::run(command),
        Command::Simulate(args) => simulate::run(&args),
    }
}

/// Says on standard error what went wrong, with all causes.
pub(crate) fn fail(error: &anyhow::Error) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "goticket: {error:#}");
    ExitCode::FAILURE
}

/// Writes to standard output; a closed pipe is not an error worth a panic.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

fn load<T: DeserializeOwned>(file: Option<&Path>) -> anyhow::Result<T> {
    Ok(goticket_platform::config::load(file)?)
}
