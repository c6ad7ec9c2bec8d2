//! Servers that die and come back, and a broker that raises an alarm: of a stack that started them itself.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep};

use crate::{local::Process, ready, stack::Stack};

/// Debian's package puts the script here that does not insist on its own user.
const RABBITMQCTL: &str = "/usr/lib/rabbitmq/bin/rabbitmqctl";

const LOOK: Duration = Duration::from_millis(50);

/// One of a stack's servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Server {
    /// PostgreSQL.
    Postgres,
    /// Redis.
    Redis,
    /// RabbitMQ.
    RabbitMq,
    /// Kafka.
    Kafka,
}

impl Server {
    /// As its process is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Redis => "Redis",
            Self::RabbitMq => "RabbitMQ",
            Self::Kafka => "Kafka",
        }
    }

    /// The end that comes without warning.
    fn deadly(self) -> Signal {
        match self {
            Self::Postgres => Signal::SIGQUIT,
            Self::Redis | Self::RabbitMq | Self::Kafka => Signal::SIGKILL,
        }
    }
}

impl Stack {
    /// Whether it is a process this stack has started: only such a one can be killed.
    pub fn owns(&self, server: Server) -> bool {
        self.processes.iter().any(|process| process.name() == server.name())
    }

    /// Kills it without any warning and returns when it is gone: its process id until then. Blocks for a moment.
    pub fn kill(&mut self, server: Server) -> Result<u32> {
        let process = self.process(server)?;
        let id = process.id();
        process.kill(server.deadly())?;
        Ok(id)
    }

    /// From now on every write to a file of its fails, as on a disk without a byte left. Returns when it has given up: its process id
    /// until then; an error where it lives on for longer than `within`.
    pub async fn fill_disk(&mut self, server: Server, within: Duration) -> Result<u32> {
        let process = self.process(server)?;
        let id = process.id();
        process.forbid_writes()?;
        let begun = Instant::now();
        while !process.is_dead()? {
            ensure!(begun.elapsed() < within, "{} lives on without a disk", server.name());
            sleep(LOOK).await;
        }
        Ok(id)
    }

    /// Starts it again, after [`kill`](Self::kill), with the files it left and at its old address, and waits until it answers.
    pub async fn start_again(&mut self, server: Server) -> Result<()> {
        let addresses = self.addresses.clone();
        let process = self.process(server)?;
        process.start_again()?;
        let missing = || format!("{} has no address", server.name());
        match server {
            Server::Postgres => {
                let url = addresses.postgres_url.with_context(missing)?;
                process.ready(|| ready::postgres(&url)).await
            }
            Server::Redis => {
                let url = addresses.redis_url.with_context(missing)?;
                process.ready(|| ready::redis(&url)).await
            }
            Server::RabbitMq => {
                let url = addresses.amqp_url.with_context(missing)?;
                let management = addresses.amqp_management_url.with_context(missing)?;
                process.ready(|| ready::rabbitmq(&url, &management)).await
            }
            Server::Kafka => {
                let brokers = addresses.kafka.with_context(missing)?.brokers;
                process.ready(|| ready::kafka(&brokers)).await
            }
        }
    }

    /// `rabbitmqctl` for the stack's own broker, e.g. `["set_vm_memory_high_watermark", "0.4"]`.
    pub fn rabbitmqctl(&self, args: &[&str]) -> Result<tokio::process::Command> {
        let broker = self.processes.iter().find(|process| process.name() == Server::RabbitMq.name());
        let broker = broker.context("the stack has not started this RabbitMQ")?;
        let mut command = Command::new(RABBITMQCTL);
        // It finds the node, and its cookie, by what the node was started with.
        let env = broker.command().get_envs().filter_map(|(name, value)| Some((name, value?)));
        command.args(args).envs(env).stdin(Stdio::null());
        if let Some(folder) = broker.command().get_current_dir() {
            command.current_dir(folder);
        }
        let mut command = tokio::process::Command::from(command);
        command.kill_on_drop(true);
        Ok(command)
    }

    /// Where RabbitMQ's management API answers, credentials included.
    pub fn amqp_management_url(&self) -> Result<&str> {
        self.addresses.amqp_management_url.as_deref().context("the stack's RabbitMQ has no management API")
    }

    fn process(&mut self, server: Server) -> Result<&mut Process> {
        ensure!(self.owns(server), "{} is not this stack's own process", server.name());
        self.processes.iter_mut().find(|process| process.name() == server.name()).context("it is gone")
    }
}
