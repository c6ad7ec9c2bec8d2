//! `goticket migrate`

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use goticket_domain::lane::LaneCount;
use goticket_platform::config::{LanesConfig, PostgresConfig};
use goticket_platform::postgres::Plans;
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    postgres: PostgresConfig,
    lanes: LanesConfig,
}

pub(super) async fn run(file: Option<&Path>) -> anyhow::Result<ExitCode> {
    let config: Config = super::load(file)?;
    let pool = goticket_platform::postgres::connect(&config.postgres, Plans::ForTheMoment).await?;
    let wanted = LaneCount::new(config.lanes.count.get()).context("`lanes.count` is out of its range")?;
    let lanes = goticket_storage::migrate(&pool, wanted).await?;
    super::print("The schema is up to date.\n")?;
    if lanes != wanted {
        let (lanes, wanted) = (lanes.get(), wanted.get());
        super::print(&format!(
            "The installation keeps its {lanes} lanes: their number was fixed when it was made, `lanes.count` = {wanted} changes nothing.\n"
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
