//! The waiting room as a process of its own.

use goticket_admission::{Config, run};
use goticket_platform::shutdown::Shutdown;
use goticket_platform::{config, crypto, telemetry};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    crypto::install();
    let file = std::env::var_os("GOTICKET_CONFIG").map(std::path::PathBuf::from);
    let config: Config = config::load(file.as_deref())?;
    let _telemetry = telemetry::init(&config.telemetry)?;
    run(config, Shutdown::on_signals()?).await
}
