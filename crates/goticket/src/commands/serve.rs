//! `goticket serve`: the composition root. Each role reads its own part of the configuration, so that a process needs only the
//! settings, keys and secrets of the roles it plays.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use goticket_domain::queue::WaitingRoom;
use goticket_gateway::GrpcWaitingRoom;
use goticket_platform::config::{ShutdownConfig, TelemetryConfig};
use goticket_platform::shutdown::Shutdown;
use goticket_workers::sandbox::{self, SandboxConfig};
use serde::Deserialize;
use tokio::task::JoinSet;

use crate::roles::{Role, RoleSet};

/// What every role needs.
#[derive(Deserialize)]
struct Base {
    telemetry: TelemetryConfig,
    shutdown: ShutdownConfig,
}

#[derive(Deserialize)]
struct Sandbox {
    sandbox: SandboxConfig,
}

pub(super) async fn run(file: Option<&Path>, roles: &RoleSet) -> anyhow::Result<ExitCode> {
    let base: Base = super::load(file)?;
    let _telemetry = goticket_platform::telemetry::init(&base.telemetry)?;
    let shutdown = Shutdown::on_signals()?;
    let mut services = JoinSet::new();
    if roles.has(Role::Sandbox) {
        let config: Sandbox = super::load(file)?;
        services.spawn(sandbox::run(config.sandbox, shutdown.token()));
    }
    let workers = roles.workers();
    if !workers.is_empty() {
        let config: goticket_workers::Config = super::load(file)?;
        let shutdown = shutdown.clone();
        services.spawn(async move { goticket_workers::run(config, &workers, shutdown).await });
    }
    match (roles.has(Role::Gateway), roles.has(Role::Admission)) {
        (false, false) => {}
        (false, true) => drop(services.spawn(goticket_admission::run(super::load(file)?, shutdown.clone()))),
        (true, in_process) => {
            let config: goticket_gateway::Config = super::load(file)?;
            let room: Arc<dyn WaitingRoom> = if in_process {
                let config: goticket_admission::Config = super::load(file)?;
                let deps = goticket_admission::connect(&config).await?;
                let service = goticket_admission::start(&config.admission, deps, &shutdown);
                goticket_admission::tell(&service, config.kafka.clone(), &shutdown);
                goticket_admission::follow_bookings(&service, config.kafka, &shutdown);
                service
            } else {
                Arc::new(GrpcWaitingRoom::new(&config.gateway.admission_url, config.gateway.admission_secret.as_ref())?)
            };
            services.spawn(goticket_gateway::run(config, room, shutdown.clone()));
        }
    }
    // The first that ends, for whatever reason, takes the others with it; each drains by itself.
    let mut result = Ok(ExitCode::SUCCESS);
    while let Some(ended) = services.join_next().await {
        shutdown.trigger();
        if let Err(error) = ended.map_err(anyhow::Error::from).and_then(|service| service) {
            result = result.and(Err(error));
        }
    }
    shutdown.drain(base.shutdown.drain_ms.millis()).await?;
    result
}
