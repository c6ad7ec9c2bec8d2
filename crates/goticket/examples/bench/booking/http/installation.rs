//! A whole installation on a database of its own: every role in real processes, an event on sale, and its fans.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, bail, ensure};
use goticket_platform::config::{KafkaConfig, KeysConfig, load_from};
use goticket_testkit::{Deployment, TestBed};
use http::HeaderValue;
use secrecy::SecretString;
use serde::Deserialize;
use tokio::time::{Instant, sleep};
use url::Url;

use super::{
    fans,
    shop::{Shop, Unexpected},
};
use crate::booking::{hall, load::Load};

/// The roles, one process each.
const GATEWAY: &str = "gateway";
const WORKER: &str = "booking";
const REST: &str = "expiry,relay,notifier,pdf,mail,payments";
const PROCESSES: [&str; 5] = ["sandbox", "admission", WORKER, REST, GATEWAY];

/// How long the workers may take to be ready.
const READY: Duration = Duration::from_mins(1);
const LOOK_AGAIN: Duration = Duration::from_millis(200);

pub(crate) struct Installation {
    deployment: Deployment,
    settings: Settings,
    pub shop: Arc<Shop>,
    pub gateway: SocketAddr,
}

/// What the benchmark must know of the processes' settings.
#[derive(Deserialize)]
struct Settings {
    kafka: KafkaConfig,
    keys: KeysConfig,
    payments: Payments,
}

#[derive(Deserialize)]
struct Payments {
    webhook_secret: SecretString,
}

impl Installation {
    /// Starts everything in an empty bed; `fans` of the accounts get tokens.
    pub(crate) async fn start(bed: TestBed, load: &Load, fans: usize) -> anyhow::Result<Self> {
        let mut deployment = Deployment::prepare(bed, Deployment::binary()?).await?;
        let on_sale = hall::build(&deployment.bed.postgres_url, load).await?;
        let [event] = on_sale.events[..] else { bail!("the tokens are for one event, not for {}", on_sale.events.len()) };
        for roles in PROCESSES {
            deployment.start(roles)?;
        }
        let settings: Settings = load_from(None, deployment.env().iter().cloned()).context("the installation's settings")?;
        let (keys, accounts) = (settings.keys.dir.clone(), on_sale.accounts);
        let fans = tokio::task::spawn_blocking(move || fans::mint(&keys, event, &accounts[..fans.min(accounts.len())])).await??;
        let gateway = Url::parse(&deployment.base_url())?;
        let gateway = gateway.socket_addrs(|| None)?.pop().context("the gateway has no address")?;
        let shop = Shop {
            host: HeaderValue::try_from(gateway.to_string())?,
            bookings: format!("/v1/events/{event}/bookings"),
            fans,
            webhook_secret: settings.payments.webhook_secret.clone(),
            unexpected: Unexpected::default(),
        };
        let mut installation = Self { deployment, settings, shop: Arc::new(shop), gateway };
        installation.ready().await?;
        Ok(installation)
    }

    async fn ready(&mut self) -> anyhow::Result<()> {
        self.deployment.ready().await?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        for roles in [WORKER, REST] {
            let url = format!("{}/readyz", self.deployment.health_url(roles)?);
            let until = Instant::now() + READY;
            while !http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                self.deployment.all_alive()?;
                ensure!(Instant::now() < until, "{roles} is not ready; the logs:\n{}", self.deployment.logs());
                sleep(LOOK_AGAIN).await;
            }
        }
        Ok(())
    }

    pub(crate) fn postgres_url(&self) -> &str {
        &self.deployment.bed.postgres_url
    }

    pub(crate) fn kafka(&self) -> &KafkaConfig {
        &self.settings.kafka
    }

    /// Those that a load could make grow.
    pub(crate) fn loaded_processes(&self) -> anyhow::Result<[(&'static str, u32); 2]> {
        let id = |roles| self.deployment.process_id(roles);
        Ok([("gateway", id(GATEWAY)?), ("worker", id(WORKER)?)])
    }

    /// Ends every process, which must end with success.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.deployment.all_alive()?;
        self.deployment.stop().await
    }
}
