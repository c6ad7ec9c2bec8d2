//! `goticket audit`

use std::path::Path;
use std::process::ExitCode;

use goticket_platform::config::{KafkaConfig, PostgresConfig};
use serde::Deserialize;

use crate::audit::Report;
use crate::cli::AuditArgs;

#[derive(Deserialize)]
struct Config {
    postgres: PostgresConfig,
    kafka: KafkaConfig,
}

pub(super) async fn run(file: Option<&Path>, args: &AuditArgs) -> anyhow::Result<ExitCode> {
    let config: Config = super::load(file)?;
    let pool = goticket_platform::postgres::connect(&config.postgres).await?;
    let report = Report::make(&pool, &config.kafka, args.event).await?;
    let text = if args.json { format!("{}\n", serde_json::to_string_pretty(&report)?) } else { report.to_string() };
    super::print(&text)?;
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
