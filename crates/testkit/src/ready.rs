//! Whether a server answers its own protocol.

use std::{
    future::Future,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use rdkafka::{
    ClientConfig,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _},
};
use sqlx::Connection as _;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::TcpStream,
    time::{sleep, timeout},
};

/// A cold machine with two busy cores needs a while for two Java programs and an Erlang one.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_millis(50);
/// One attempt. A server that accepts and then says nothing must not hold up the next attempt.
const ATTEMPT: Duration = Duration::from_secs(5);
const SLOW: Duration = Duration::from_secs(20);

/// Repeats `probe` until it succeeds. `alive` may tell that waiting has become pointless.
pub(crate) async fn until<Fut>(name: &str, mut alive: impl FnMut() -> Result<()>, probe: impl Fn() -> Fut) -> Result<()>
where
    Fut: Future<Output = Result<()>>,
{
    let begun = Instant::now();
    let mut told = false;
    loop {
        alive()?;
        let why = match timeout(ATTEMPT, probe()).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error,
            Err(_) => anyhow::anyhow!("no answer within {ATTEMPT:?}"),
        };
        if begun.elapsed() > PATIENCE {
            return Err(why.context(format!("{name} was not ready within {PATIENCE:?}")));
        }
        if begun.elapsed() > SLOW && !told {
            told = true;
            say_slow(name, &why);
        }
        sleep(PAUSE).await;
    }
}

#[expect(clippy::print_stderr, reason = "tells a waiting person what is slow")]
fn say_slow(name: &str, why: &anyhow::Error) {
    eprintln!("still waiting for {name}: {why:#}");
}

pub(crate) async fn postgres(url: &str) -> Result<()> {
    let mut connection = sqlx::PgConnection::connect(url).await?;
    sqlx::query("select 1").execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

pub(crate) async fn redis(url: &str) -> Result<()> {
    let client = redis::Client::open(url)?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let pong: String = redis::cmd("PING").query_async(&mut connection).await?;
    ensure!(pong == "PONG", "it said {pong:?}");
    Ok(())
}

/// A node answers before its cluster does.
pub(crate) async fn redis_node(port: u16) -> Result<()> {
    redis(&format!("redis://127.0.0.1:{port}/")).await
}

/// Every slot has a node, as far as this one knows.
pub(crate) async fn redis_cluster(port: u16) -> Result<()> {
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}/"))?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let info: String = redis::cmd("CLUSTER").arg("INFO").query_async(&mut connection).await?;
    ensure!(info.contains("cluster_state:ok"), "it says {info:?}");
    Ok(())
}

/// The management API comes up last, so it is asked first.
pub(crate) async fn rabbitmq(amqp_url: &str, management_url: &str) -> Result<()> {
    let answer = reqwest::get(format!("{management_url}/api/overview")).await?;
    answer.error_for_status()?;
    let connection = lapin::Connection::connect(amqp_url, lapin::ConnectionProperties::default()).await?;
    connection.close(200, "ready".into()).await?;
    Ok(())
}

pub(crate) async fn kafka(brokers: &str) -> Result<()> {
    TcpStream::connect(brokers).await?;
    let brokers = brokers.to_owned();
    tokio::task::spawn_blocking(move || {
        let consumer: BaseConsumer =
            ClientConfig::new().set("bootstrap.servers", &brokers).set_log_level(RDKafkaLogLevel::Emerg).create()?;
        let metadata = consumer.fetch_metadata(None, ATTEMPT)?;
        ensure!(!metadata.brokers().is_empty(), "it knows no broker yet");
        Ok(())
    })
    .await?
}

pub(crate) async fn mail(smtp: SocketAddr, mailbox_url: &str) -> Result<()> {
    let stream = TcpStream::connect(smtp).await?;
    let mut greeting = String::new();
    BufReader::new(stream).read_line(&mut greeting).await?;
    ensure!(greeting.starts_with("220"), "it greets with {greeting:?}");
    reqwest::get(format!("{mailbox_url}/api/service/readiness")).await?.error_for_status().context("its API")?;
    Ok(())
}
