//! `goticket audit`

use std::path::Path;
use std::process::ExitCode;

use goticket_platform::config::{AmqpConfig, KafkaConfig, PostgresConfig};
use goticket_platform::postgres::Plans;
use goticket_storage::{audit::Scope, outbox::partitions};
use goticket_workers::config::WorkersConfig;
use serde::Deserialize;

use crate::audit::Report;
use crate::cli::AuditArgs;

#[derive(Deserialize)]
struct Config {
    postgres: PostgresConfig,
    amqp: AmqpConfig,
    kafka: KafkaConfig,
    workers: WorkersConfig,
}

pub(super) async fn run(file: Option<&Path>, args: &AuditArgs) -> anyhow::Result<ExitCode> {
    let config: Config = super::load(file)?;
    let pool = goticket_platform::postgres::connect(&config.postgres, Plans::OverEverything).await?;
    let amqp = goticket_platform::amqp::connect(&config.amqp, "goticket audit").await?;
    let kept_since = partitions::complete_since(&pool, config.workers.relay.retention_days.get()).await?;
    let scope =
        Scope { event: args.event.map(|event| event.0), since: args.since.map_or(kept_since, |since| since.max(kept_since)) };
    let report = Report::make(&pool, &amqp, &config.kafka, scope).await?;
    let text = if args.json { format!("{}\n", serde_json::to_string_pretty(&report)?) } else { report.to_string() };
    super::print(&text)?;
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
