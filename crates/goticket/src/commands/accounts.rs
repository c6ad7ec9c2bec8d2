//! `goticket accounts …`: who may log in.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use goticket_domain::identity::EmailAddress;
use goticket_platform::config::PostgresConfig;
use goticket_platform::postgres::Plans;
use goticket_storage::accounts;
use serde::Deserialize;

use crate::cli::AccountsCommand;

#[derive(Deserialize)]
struct Config {
    postgres: PostgresConfig,
}

pub(super) async fn run(file: Option<&Path>, command: AccountsCommand) -> anyhow::Result<ExitCode> {
    let config: Config = super::load(file)?;
    let pool = goticket_platform::postgres::connect(&config.postgres, Plans::ForTheMoment).await?;
    match command {
        AccountsCommand::Disable { email } => {
            let ended = accounts::disable(&pool, &address(&email)?).await?;
            let ended = ended.with_context(|| format!("there is no account {email}"))?;
            super::print(&format!("{email} cannot log in any more. Sessions ended: {ended}.\n"))?;
        }
        AccountsCommand::Enable { email } => {
            let known = accounts::enable(&pool, &address(&email)?).await?;
            anyhow::ensure!(known, "there is no account {email}");
            super::print(&format!("{email} can log in.\n"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn address(email: &str) -> anyhow::Result<EmailAddress> {
    EmailAddress::parse(email).with_context(|| format!("{email:?}"))
}
