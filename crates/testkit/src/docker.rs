//! Servers as containers, by testcontainers.
//!
//! Every port is chosen here and published on the loopback interface only.

use std::{collections::HashMap, mem::ManuallyDrop, net::SocketAddr, path::Path, time::Duration};

use anyhow::{Context as _, Result};
use testcontainers::{
    ContainerAsync, GenericImage, ImageExt as _,
    bollard::models::{HostConfig, PortBinding},
    core::IntoContainerPort as _,
    runners::AsyncRunner as _,
};
use tokio::try_join;

use crate::{
    addresses::Addresses,
    keeper::LABEL,
    local::{KafkaPorts, REDIS_SETTINGS, kafka_settings, postgres_settings},
    ports::free_port,
    ready,
    source::image,
    stack::Durability,
};

/// How long an image may take to be pulled and its container to be started.
const START: Duration = Duration::from_mins(10);

/// Lines of a failed container's log that are shown.
const LOG_TAIL_LINES: usize = 25;

/// Starts, side by side, every server that `named` does not name.
pub(crate) async fn start(named: &Addresses, stack_folder: &Path, durability: Durability) -> Result<Addresses> {
    let (postgres, redis, rabbitmq, kafka, mail) = try_join!(
        unless(named.postgres_url.as_ref(), postgres(stack_folder, durability)),
        unless(named.redis_url.as_ref(), redis(stack_folder)),
        unless(named.amqp_url.as_ref(), rabbitmq(stack_folder)),
        unless(named.kafka.as_ref(), kafka(stack_folder)),
        unless(named.smtp_url.as_ref(), mail(stack_folder)),
    )?;
    Ok(postgres.or(redis).or(rabbitmq).or(kafka).or(mail))
}

async fn unless<T>(named: Option<&T>, start: impl Future<Output = Result<Addresses>>) -> Result<Addresses> {
    match named {
        Some(_) => Ok(Addresses::default()),
        None => start.await,
    }
}

async fn postgres(stack_folder: &Path, durability: Durability) -> Result<Addresses> {
    let port = free_port();
    let settings = postgres_settings(durability).flat_map(|setting| ["-c", setting]);
    let container = Container::new(stack_folder, image::POSTGRES)
        .port(port, 5432)
        .env("POSTGRES_HOST_AUTH_METHOD", "trust")
        .start(["postgres"].into_iter().chain(settings))
        .await?;
    let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
    container.ready(|| ready::postgres(&url)).await?;
    Ok(Addresses { postgres_url: Some(url), ..Addresses::default() })
}

async fn redis(stack_folder: &Path) -> Result<Addresses> {
    let port = free_port();
    let container = Container::new(stack_folder, image::REDIS)
        .port(port, 6379)
        .start(["redis-server"].into_iter().chain(REDIS_SETTINGS))
        .await?;
    let url = format!("redis://127.0.0.1:{port}/");
    container.ready(|| ready::redis(&url)).await?;
    Ok(Addresses { redis_url: Some(url), ..Addresses::default() })
}

async fn rabbitmq(stack_folder: &Path) -> Result<Addresses> {
    let (port, management) = (free_port(), free_port());
    let container = Container::new(stack_folder, image::RABBITMQ).port(port, 5672).port(management, 15672).start([]).await?;
    let amqp_url = format!("amqp://guest:guest@127.0.0.1:{port}/%2f");
    let management_url = format!("http://guest:guest@127.0.0.1:{management}");
    container.ready(|| ready::rabbitmq(&amqp_url, &management_url)).await?;
    Ok(Addresses { amqp_url: Some(amqp_url), amqp_management_url: Some(management_url), ..Addresses::default() })
}

async fn kafka(stack_folder: &Path) -> Result<Addresses> {
    let ports = KafkaPorts::free();
    let mut container = Container::new(stack_folder, image::KAFKA)
        // It advertises the ports it listens on, so they are the same inside and outside.
        .port(ports.client, ports.client)
        .port(ports.link, ports.link);
    for (key, value) in kafka_settings("0.0.0.0", &ports) {
        let name = format!("KAFKA_{}", key.to_uppercase().replace('.', "_"));
        container = container.env(&name, &value);
    }
    let container = container.start([]).await?;
    let addresses = ports.addresses();
    container.ready(|| ready::kafka(&addresses.brokers)).await?;
    Ok(Addresses { kafka: Some(addresses), ..Addresses::default() })
}

async fn mail(stack_folder: &Path) -> Result<Addresses> {
    let (smtp, api) = (free_port(), free_port());
    let container = Container::new(stack_folder, image::MAIL)
        .port(smtp, 3025)
        .port(api, 8080)
        .env("GREENMAIL_OPTS", "-Dgreenmail.setup.test.smtp -Dgreenmail.hostname=0.0.0.0 -Dgreenmail.auth.disabled")
        .start([])
        .await?;
    let smtp = SocketAddr::from(([127, 0, 0, 1], smtp));
    let mailbox_url = format!("http://127.0.0.1:{api}");
    container.ready(|| ready::mail(smtp, &mailbox_url)).await?;
    Ok(Addresses { smtp_url: Some(format!("smtp://{smtp}")), mailbox_url: Some(mailbox_url), ..Addresses::default() })
}

/// A container that is being described.
struct Container {
    name: &'static str,
    stack: String,
    /// Outside and inside.
    ports: Vec<(u16, u16)>,
    env: Vec<(String, String)>,
}

/// A container that has been started. It is not ended by being dropped but by the keeper, which outlives even a killed owner.
struct Running {
    name: &'static str,
    container: ManuallyDrop<ContainerAsync<GenericImage>>,
}

impl Container {
    fn new(stack_folder: &Path, image: &'static str) -> Self {
        let stack = stack_folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { name: image, stack, ports: Vec::new(), env: Vec::new() }
    }

    fn port(mut self, outside: u16, inside: u16) -> Self {
        self.ports.push((outside, inside));
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    async fn start<'a>(self, args: impl IntoIterator<Item = &'a str>) -> Result<Running> {
        let (name, tag) = self.name.split_once(':').unwrap_or((self.name, "latest"));
        let mut image = GenericImage::new(name, tag);
        for (_, inside) in &self.ports {
            image = image.with_exposed_port(inside.tcp());
        }
        let ports = self.ports;
        let loopback_only = move |host: &mut HostConfig| host.port_bindings = Some(bindings(&ports));
        let mut request =
            image.with_label(LABEL, self.stack).with_startup_timeout(START).with_host_config_modifier(loopback_only);
        for (name, value) in self.env {
            request = request.with_env_var(name, value);
        }
        let started = request.with_cmd(args).start().await;
        let container = started.with_context(|| format!("start {}; GOTICKET_DOCKER=0 uses servers without Docker", self.name))?;
        Ok(Running { name: self.name, container: ManuallyDrop::new(container) })
    }
}

fn bindings(ports: &[(u16, u16)]) -> HashMap<String, Option<Vec<PortBinding>>> {
    let binding = |outside: u16| PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: Some(outside.to_string()) };
    ports.iter().map(|(outside, inside)| (format!("{inside}/tcp"), Some(vec![binding(*outside)]))).collect()
}

impl Running {
    async fn ready<Fut>(&self, probe: impl Fn() -> Fut) -> Result<()>
    where
        Fut: Future<Output = Result<()>>,
    {
        let Err(error) = ready::until(self.name, || Ok(()), probe).await else {
            return Ok(());
        };
        let log = self.container.stderr_to_vec().await.unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let mut tail: Vec<&str> = log.lines().rev().take(LOG_TAIL_LINES).collect();
        tail.reverse();
        Err(error.context(format!("{} did not start; the end of its log:\n{}", self.name, tail.join("\n"))))
    }
}
