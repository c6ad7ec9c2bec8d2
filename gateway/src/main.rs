//! The gateway as a process of its own, with the waiting room behind gRPC.

use std::path::PathBuf;
use std::sync::Arc;

use goticket_gateway::{Config, GrpcWaitingRoom, run};
use goticket_platform::{config, crypto, shutdown::Shutdown, telemetry};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    crypto::install();
    let file = std::env::var_os("GOTICKET_CONFIG").map(PathBuf::from);
    let config: Config = config::load(file.as_deref())?;
    let _telemetry = telemetry::init(&config.telemetry)?;
    let waiting_room = GrpcWaitingRoom::new(&config.gateway.admission_url, config.gateway.admission_secret.as_ref())?;
    run(config, Arc::new(waiting_room), Shutdown::on_signals()?).await
}
