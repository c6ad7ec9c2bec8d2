//! A bed whose servers can be taken away one by one; and Kafka's link alone.

use std::{
    io,
    net::SocketAddr,
    os::linux::net::SocketAddrExt as _,
    os::unix::net::{SocketAddr as UnixAddr, UnixListener},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use tokio::time::sleep;

use crate::{addresses::KafkaLink, bed::TestBed, link::Link, stack::Stack};

/// How long a test waits until others give Kafka's link back.
const TURN_PATIENCE: Duration = Duration::from_mins(5);
const TURN_PAUSE: Duration = Duration::from_millis(50);

/// One link per server of a [`TestBed`].
#[derive(Debug)]
pub struct Links {
    /// To PostgreSQL.
    pub postgres: Link,
    /// To Redis.
    pub redis: Link,
    /// To RabbitMQ.
    pub amqp: Link,
    /// To Kafka. One test at a time has it: see [`TestBed::behind_links`].
    pub kafka: Link,
    /// To the mail server.
    pub smtp: Link,
    _kafka_turn: UnixListener,
}

/// The link to a stack's Kafka. Others wait for it until it is dropped: see [`TestBed::behind_links`].
#[derive(Debug)]
pub struct KafkaWay {
    /// The link.
    pub link: Link,
    /// What its clients are told: `host:port`.
    pub brokers: String,
    turn: UnixListener,
}

impl Stack {
    /// Puts a link before Kafka. Clients that are told its address stay behind it.
    pub async fn kafka_link(&self) -> Result<KafkaWay> {
        let kafka = self.addresses.kafka.as_ref().and_then(|kafka| kafka.link.as_ref());
        let kafka = kafka.context("the Kafka named by the environment has no listener for a link")?;
        let turn = kafka_turn(kafka).await?;
        let advertised: SocketAddr = kafka.advertised.parse()?;
        Ok(KafkaWay { link: Link::on(advertised, &kafka.listener).await?, brokers: kafka.advertised.clone(), turn })
    }
}

impl TestBed {
    /// A bed whose servers are reached through links. `mailbox` is not behind one.
    ///
    /// Kafka tells its clients where it is, so its link must listen on the one port a listener of
    /// the broker advertises. Hence tests that want links wait here until the one before has dropped
    /// its [`Links`], across all processes that share a stack.
    ///
    /// # Panics
    /// When the servers cannot be had, with the reason.
    pub async fn behind_links() -> (Self, Links) {
        match try_behind_links().await {
            Ok(bed) => bed,
            Err(error) => panic!("no test bed behind links: {error:#}"),
        }
    }
}

async fn try_behind_links() -> Result<(TestBed, Links)> {
    let stack = Stack::shared().await?;
    let mut bed = TestBed::in_stack(stack).await?;
    let KafkaWay { link: kafka, brokers, turn } = stack.kafka_link().await?;
    let links = Links {
        postgres: Link::before(&mut bed.postgres_url).await?,
        redis: Link::before(&mut bed.redis_url).await?,
        amqp: Link::before(&mut bed.amqp_url).await?,
        kafka,
        smtp: Link::to(&format!("{}:{}", bed.smtp_host, bed.smtp_port)).await?,
        _kafka_turn: turn,
    };
    bed.kafka_brokers = brokers;
    bed.smtp_host = links.smtp.addr().ip().to_string();
    bed.smtp_port = links.smtp.addr().port();
    Ok((bed, links))
}

/// An abstract socket as a lock: the kernel frees it when its holder dies, and it leaves no file.
async fn kafka_turn(link: &KafkaLink) -> Result<UnixListener> {
    let name = UnixAddr::from_abstract_name(format!("goticket-link-{}", link.advertised))?;
    let begun = Instant::now();
    loop {
        match UnixListener::bind_addr(&name) {
            Ok(turn) => return Ok(turn),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(error.into()),
        }
        if begun.elapsed() > TURN_PATIENCE {
            bail!("another test has kept Kafka's link for {TURN_PATIENCE:?}");
        }
        sleep(TURN_PAUSE).await;
    }
}
