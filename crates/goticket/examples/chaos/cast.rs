//! The processes under trial, and the ways between them and their servers: each has links of its own, so that one worker can be cut
//! off while the other is not.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use goticket_testkit::{Deployment, Durability, KafkaWay, Link, Server, Stack, TestBed, free_port};
use tokio::sync::Mutex;

/// One process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Process {
    /// The payment provider is the outside world, and keeps its ledger in memory: nothing befalls it.
    Sandbox,
    Admission,
    WorkerA,
    WorkerB,
    Rest,
    GatewayA,
    GatewayB,
}

/// How long the last card's webhook takes: longer than any hold, so that it pays too late.
pub(crate) const LATE_WEBHOOK: Duration = Duration::from_secs(33);

/// A payment of which no webhook tells is asked about after this: after the late webhook has come.
const ASKED_ABOUT: Duration = Duration::from_secs(36);

/// How long everything may take to be ready, at the beginning and after the storm.
const READY: Duration = Duration::from_mins(2);
const PROBE: Duration = Duration::from_secs(2);

impl Process {
    pub(crate) const ALL: [Self; 7] =
        [Self::Sandbox, Self::Admission, Self::WorkerA, Self::WorkerB, Self::Rest, Self::GatewayA, Self::GatewayB];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Admission => "admission",
            Self::WorkerA => "worker-a",
            Self::WorkerB => "worker-b",
            Self::Rest => "rest",
            Self::GatewayA => "gateway-a",
            Self::GatewayB => "gateway-b",
        }
    }

    fn roles(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Admission => "admission",
            Self::WorkerA | Self::WorkerB => "booking",
            Self::Rest => "expiry,relay,notifier,pdf,mail,payments",
            Self::GatewayA | Self::GatewayB => "gateway",
        }
    }

    fn reports_as_worker(self) -> bool {
        matches!(self, Self::WorkerA | Self::WorkerB | Self::Rest)
    }
}

/// The links of one process.
#[derive(Debug)]
struct Ways {
    postgres: Link,
    redis: Link,
    amqp: Link,
}

/// Everything that faults befall.
pub(crate) struct Cast {
    pub deployment: Mutex<Deployment>,
    pub stack: Mutex<Stack>,
    ways: BTreeMap<Process, Ways>,
    kafka: KafkaWay,
    settings: BTreeMap<Process, Vec<(String, String)>>,
    /// The gateways' addresses, by their processes' names.
    pub gateways: Vec<(&'static str, String)>,
    /// Since when each process runs.
    born: std::sync::Mutex<BTreeMap<Process, Instant>>,
    /// Not behind any link.
    pub postgres_url: String,
    pub redis_url: String,
}

impl Cast {
    /// Starts the servers, the links and every process, and waits until all are ready.
    pub(crate) async fn assemble() -> anyhow::Result<Self> {
        let stack = Stack::start(Durability::Durable).await?;
        let kafka = stack.kafka_link().await?;
        let mut deployment = Deployment::prepare(TestBed::in_stack(&stack).await?, Deployment::binary()?).await?;
        deployment.set("SANDBOX__LATE_WEBHOOK_MS", LATE_WEBHOOK.as_millis().to_string());
        deployment.set("WORKERS__PAYMENTS__OPEN_AFTER_MS", ASKED_ABOUT.as_millis().to_string());
        deployment.set("TELEMETRY__FORMAT", "json");
        let second = free_port();
        let gateways = vec![
            (Process::GatewayA.name(), deployment.base_url()),
            (Process::GatewayB.name(), format!("http://127.0.0.1:{second}")),
        ];
        let (mut ways, mut settings) = (BTreeMap::new(), BTreeMap::new());
        for process in Process::ALL.into_iter().filter(|process| *process != Process::Sandbox) {
            let (way, mut told) = behind_links(&deployment, &kafka).await?;
            if process == Process::GatewayB {
                told.push(("GATEWAY__LISTEN".to_owned(), format!("127.0.0.1:{second}")));
                // The provider knows one address of the shop, whoever opened a payment.
                told.push(("GATEWAY__PUBLIC_URL".to_owned(), deployment.base_url()));
            }
            ways.insert(process, way);
            settings.insert(process, told);
        }
        let bed = &deployment.bed;
        let (postgres_url, redis_url) = (bed.postgres_url.clone(), bed.redis_url.clone());
        let cast = Self {
            deployment: Mutex::new(deployment),
            stack: Mutex::new(stack),
            ways,
            kafka,
            settings,
            gateways,
            born: std::sync::Mutex::default(),
            postgres_url,
            redis_url,
        };
        for process in Process::ALL {
            cast.start(process).await?;
        }
        cast.ready().await?;
        Ok(cast)
    }

    pub(crate) async fn start(&self, process: Process) -> anyhow::Result<()> {
        let settings = self.settings.get(&process).map_or(&[][..], Vec::as_slice);
        self.deployment.lock().await.start_as(process.name(), process.roles(), settings)?;
        self.born.lock().expect("no one panics while noting a time").insert(process, Instant::now());
        Ok(())
    }

    /// How long it has been running.
    pub(crate) fn age(&self, process: Process) -> Duration {
        let born = self.born.lock().expect("no one panics while noting a time").get(&process).copied();
        born.map_or(Duration::ZERO, |born| born.elapsed())
    }

    /// The ways to a server: one process's, or everybody's.
    pub(crate) fn ways(&self, server: Server, whom: Option<Process>) -> Vec<&Link> {
        let ways = self.ways.iter().filter(|(process, _)| whom.is_none_or(|whom| whom == **process)).map(|(_, ways)| ways);
        match server {
            Server::Postgres => ways.map(|ways| &ways.postgres).collect(),
            Server::Redis => ways.map(|ways| &ways.redis).collect(),
            Server::RabbitMq => ways.map(|ways| &ways.amqp).collect(),
            Server::Kafka => vec![&self.kafka.link],
        }
    }

    /// Waits until every process says that it has everything it needs.
    pub(crate) async fn ready(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let Some(missing) = self.first_not_ready().await? else { return Ok(()) };
            if begun.elapsed() > READY {
                let logs = self.deployment.lock().await.logs();
                bail!("{missing} is not ready after {} s; the ends of the logs:\n{logs}", READY.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn first_not_ready(&self) -> anyhow::Result<Option<&'static str>> {
        let mut probes = Vec::new();
        {
            let deployment = self.deployment.lock().await;
            for process in Process::ALL {
                if !deployment.is_running(process.name()) {
                    return Ok(Some(process.name()));
                }
                if self.gateways.iter().any(|(name, _)| *name == process.name()) {
                    probes.push((process.name(), deployment.private_url(process.name())?));
                }
                if process.reports_as_worker() {
                    probes.push((process.name(), deployment.health_url(process.name())?));
                }
            }
        }
        let http = reqwest::Client::builder().timeout(PROBE).no_proxy().build()?;
        for (name, url) in probes {
            let answer = http.get(format!("{url}/readyz")).send().await;
            if !answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// Gives everything back that a fault may have left behind: every fault ends by itself, this is for those that broke half-way.
    pub(crate) async fn restore(&self) -> anyhow::Result<()> {
        for server in [Server::Postgres, Server::Redis, Server::RabbitMq, Server::Kafka] {
            self.ways(server, None).into_iter().for_each(Link::restore);
        }
        for process in Process::ALL {
            let running = self.deployment.lock().await.is_running(process.name());
            if running {
                self.deployment.lock().await.resume(process.name()).context("let a process go on")?;
            } else {
                self.start(process).await?;
            }
        }
        self.ready().await
    }
}

/// Links for one process, and the settings that lead it through them.
async fn behind_links(deployment: &Deployment, kafka: &KafkaWay) -> anyhow::Result<(Ways, Vec<(String, String)>)> {
    let bed = &deployment.bed;
    let (mut postgres_url, mut redis_url, mut amqp_url) = (bed.postgres_url.clone(), bed.redis_url.clone(), bed.amqp_url.clone());
    let ways = Ways {
        postgres: Link::before(&mut postgres_url).await?,
        redis: Link::before(&mut redis_url).await?,
        amqp: Link::before(&mut amqp_url).await?,
    };
    let settings = [
        ("POSTGRES__URL", postgres_url),
        ("REDIS__URL", redis_url),
        ("AMQP__URL", amqp_url),
        ("KAFKA__BROKERS", kafka.brokers.clone()),
    ];
    Ok((ways, settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()))
}
