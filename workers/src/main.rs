//! `goticket-workers [ROLE…]`: the workers in a process of their own; all of them if none is named.

use goticket_platform::{config, crypto, shutdown::Shutdown, telemetry};
use goticket_workers::{Config, WorkerRole, run};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    crypto::install();
    let named: Result<Vec<WorkerRole>, String> = std::env::args().skip(1).map(|role| role.parse()).collect();
    let roles = named.map_err(anyhow::Error::msg)?;
    let roles = if roles.is_empty() { WorkerRole::ALL.to_vec() } else { roles };
    let file = std::env::var_os("GOTICKET_CONFIG");
    let config: Config = config::load(file.as_ref().map(AsRef::as_ref))?;
    let _telemetry = telemetry::init(&config.telemetry)?;
    run(config, &roles, Shutdown::on_signals()?).await
}
