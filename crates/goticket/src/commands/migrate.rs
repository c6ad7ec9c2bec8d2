//! `goticket migrate`

use std::path::Path;
use std::process::ExitCode;

use goticket_platform::config::PostgresConfig;
use goticket_platform::postgres::Plans;
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    postgres: PostgresConfig,
}

pub(super) async fn run(file: Option<&Path>) -> anyhow::Result<ExitCode> {
    let config: Config = super::load(file)?;
    let pool = goticket_platform::postgres::connect(&config.postgres, Plans::ForTheMoment).await?;
    goticket_storage::migrate(&pool).await?;
    super::print("The schema is up to date.\n")?;
    Ok(ExitCode::SUCCESS)
}
