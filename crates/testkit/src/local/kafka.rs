//! Apache Kafka: broker and controller in one process.

use std::{fs, path::Path, process::Command};

use anyhow::Result;

use super::{
    Started,
    server::{Server, run},
};
use crate::{
    addresses::{Addresses, KafkaAddresses, KafkaLink},
    cache::Cache,
    ports::free_port,
    ready,
};

pub(super) async fn start(cache: &Cache, stack_folder: &Path) -> Result<Started> {
    let folder = stack_folder.join("kafka");
    fs::create_dir(&folder)?;
    let ports = Ports::free();
    let mut properties = settings("127.0.0.1", &ports);
    properties.push(("log.dirs", folder.join("data").display().to_string()));
    let file = folder.join("server.properties");
    let text: Vec<String> = properties
        .iter()
        .map(|(key, value)| {
            format!(
                "{key}={value}
"
            )
        })
        .collect();
    fs::write(&file, text.concat())?;
    fs::write(folder.join("log4j2.properties"), LOGGING)?;

    let java = || {
        let mut command = Command::new("java");
        command
            .current_dir(&folder)
            .args(["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"])
            .arg("-Dlog4j2.configurationFile=log4j2.properties")
            .arg("-cp")
            .arg(cache.kafka().join("*"));
        command
    };
    let mut format = java();
    format.args(["kafka.tools.StorageTool", "format", "-t", "Z290aWNrZXQtdGVzdGtpdA", "-c"]).arg(&file);
    run("Kafka", stack_folder, format).await?;

    let mut broker = java();
    broker.arg("kafka.Kafka").arg(&file);
    let addresses = ports.addresses();
    let process = Server::spawn("Kafka", stack_folder, broker)?.ready(|| ready::kafka(&addresses.brokers)).await?;
    Ok(Started { addresses: Addresses { kafka: Some(addresses), ..Addresses::default() }, processes: vec![process] })
}

const LOGGING: &str = "\
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %m (%c)%n
";

/// The ports one broker needs.
pub(crate) struct Ports {
    pub(crate) client: u16,
    pub(crate) link: u16,
    /// Nobody listens there until a test puts a `Link` on it.
    pub(crate) link_advertised: u16,
    pub(crate) controller: u16,
}

impl Ports {
    pub(crate) fn free() -> Self {
        Self { client: free_port(), link: free_port(), link_advertised: free_port(), controller: free_port() }
    }

    pub(crate) fn addresses(&self) -> KafkaAddresses {
        KafkaAddresses {
            brokers: format!("127.0.0.1:{}", self.client),
            link: Some(KafkaLink {
                listener: format!("127.0.0.1:{}", self.link),
                advertised: format!("127.0.0.1:{}", self.link_advertised),
            }),
        }
    }
}

/// The broker's settings, but for its folder. `host` is where it listens for clients.
pub(crate) fn settings(host: &str, ports: &Ports) -> Vec<(&'static str, String)> {
    let Ports { client, link, link_advertised, controller } = ports;
    let fixed = [
        ("process.roles", "broker,controller"),
        ("node.id", "1"),
        ("listener.security.protocol.map", "CLIENT:PLAINTEXT,LINK:PLAINTEXT,CONTROLLER:PLAINTEXT"),
        ("controller.listener.names", "CONTROLLER"),
        ("inter.broker.listener.name", "CLIENT"),
        ("offsets.topic.replication.factor", "1"),
        ("offsets.topic.num.partitions", "4"),
        ("transaction.state.log.replication.factor", "1"),
        ("transaction.state.log.min.isr", "1"),
        ("transaction.state.log.num.partitions", "4"),
        ("share.coordinator.state.topic.replication.factor", "1"),
        ("share.coordinator.state.topic.min.isr", "1"),
        ("group.initial.rebalance.delay.ms", "0"),
    ];
    let mut settings: Vec<_> = fixed.into_iter().map(|(key, value)| (key, value.to_owned())).collect();
    settings.extend([
        ("listeners", format!("CLIENT://{host}:{client},LINK://{host}:{link},CONTROLLER://127.0.0.1:{controller}")),
        ("advertised.listeners", format!("CLIENT://127.0.0.1:{client},LINK://127.0.0.1:{link_advertised}")),
        ("controller.quorum.voters", format!("1@127.0.0.1:{controller}")),
    ]);
    settings
}
