//! RabbitMQ, with the management API, which creates a virtual host faster than any command line tool.

use std::{fs, path::Path, process::Command};

use anyhow::{Result, ensure};

use super::{Started, server::Server};
use crate::{addresses::Addresses, cache::RABBITMQ_SERVER, ports::free_port, ready};

const PLUGINS: &str = "[rabbitmq_management].\n";

pub(crate) fn is_installed() -> bool {
    Path::new(RABBITMQ_SERVER).exists()
}

pub(crate) async fn start(stack_folder: &Path) -> Result<Started> {
    ensure!(is_installed(), "{RABBITMQ_SERVER} is missing: run `cargo xtask install`");
    let folder = stack_folder.join("rabbitmq");
    fs::create_dir(&folder)?;
    let (port, management) = (free_port(), free_port());
    let settings = format!(
        "listeners.tcp.1 = 127.0.0.1:{port}\n\
         management.tcp.ip = 127.0.0.1\n\
         management.tcp.port = {management}\n\
         management.rates_mode = none\n"
    );
    fs::write(folder.join("rabbitmq.conf"), settings)?;
    fs::write(folder.join("enabled_plugins"), PLUGINS)?;
    fs::write(folder.join("rabbitmq-env.conf"), "")?;

    let mut rabbitmq = Command::new(RABBITMQ_SERVER);
    rabbitmq
        .current_dir(&folder)
        .env("HOME", &folder)
        .env("RABBITMQ_NODENAME", "goticket@localhost")
        .env("RABBITMQ_CONF_ENV_FILE", folder.join("rabbitmq-env.conf"))
        .env("RABBITMQ_CONFIG_FILE", folder.join("rabbitmq.conf"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("enabled_plugins"))
        .env("RABBITMQ_MNESIA_BASE", folder.join("mnesia"))
        .env("RABBITMQ_PID_FILE", folder.join("pid"))
        .env("RABBITMQ_LOG_BASE", folder.join("log"))
        .env("RABBITMQ_LOGS", "-")
        .env("RABBITMQ_NODE_PORT", port.to_string())
        .env("RABBITMQ_DIST_PORT", free_port().to_string())
        // A private one of Erlang's name daemon, which would otherwise outlive the broker.
        .env("ERL_EPMD_PORT", free_port().to_string())
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        // Idle schedulers must not spin: the cores are shared with everything else.
        .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+sbwt none +sbwtdcpu none +sbwtdio none");
    let amqp_url = format!("amqp://guest:guest@127.0.0.1:{port}/%2f");
    let management_url = format!("http://guest:guest@127.0.0.1:{management}");
    let process =
        Server::spawn("RabbitMQ", stack_folder, rabbitmq)?.ready(|| ready::rabbitmq(&amqp_url, &management_url)).await?;
    Ok(Started {
        addresses: Addresses { amqp_url: Some(amqp_url), amqp_management_url: Some(management_url), ..Addresses::default() },
        processes: vec![process],
    })
}
