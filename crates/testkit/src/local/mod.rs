//! Servers as child processes on free loopback ports, their files in the stack's folder.

mod kafka;
mod mail;
mod postgres;
mod rabbitmq;
mod redis;
mod server;

use std::path::Path;

use anyhow::{Result, ensure};
use tokio::try_join;

pub(crate) use self::{
    kafka::{Ports as KafkaPorts, settings as kafka_settings},
    postgres::settings_for as postgres_settings,
    rabbitmq::{is_installed as has_rabbitmq, start as start_rabbitmq},
    redis::SETTINGS as REDIS_SETTINGS,
    server::{Process, Server, run},
};
use crate::{addresses::Addresses, cache::Cache, stack::Durability};

/// What was started.
#[derive(Debug, Default)]
pub(crate) struct Started {
    pub(crate) addresses: Addresses,
    pub(crate) processes: Vec<Process>,
}

/// Starts, side by side, every server that `named` does not name.
pub(crate) async fn start(named: &Addresses, folder: &Path, durability: Durability) -> Result<Started> {
    let cache = Cache::locate();
    ensure!(cache.is_complete(), "the servers are not installed in {}: run `cargo xtask install`", cache.root().display());
    let (postgres, redis, rabbitmq, kafka, mail) = try_join!(
        unless(named.postgres_url.as_ref(), postgres::start(&cache, folder, durability)),
        unless(named.redis_url.as_ref(), redis::start(folder)),
        unless(named.amqp_url.as_ref(), rabbitmq::start(folder)),
        unless(named.kafka.as_ref(), kafka::start(&cache, folder)),
        unless(named.smtp_url.as_ref(), mail::start(&cache, folder)),
    )?;
    let mut started = Started::default();
    for one in [postgres, redis, rabbitmq, kafka, mail].into_iter().flatten() {
        started.addresses = started.addresses.or(one.addresses);
        started.processes.extend(one.processes);
    }
    Ok(started)
}

async fn unless<T>(named: Option<&T>, start: impl Future<Output = Result<Started>>) -> Result<Option<Started>> {
    match named {
        Some(_) => Ok(None),
        None => start.await.map(Some),
    }
}
