//! A network that goes silent without closing anything: only time-outs and heartbeats can tell.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use goticket_platform::{
    amqp::{self, PublishError, persistent},
    config::{AmqpConfig, RedisConfig},
    redis::{self, Notice, is_unavailable},
};
use goticket_testkit::{TestBed, eventually};
use lapin::{options::QueueDeclareOptions, types::FieldTable};
use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

use crate::{SOON, config_with};

#[derive(Deserialize)]
struct Config {
    redis: RedisConfig,
    amqp: AmqpConfig,
}

/// A proxy that can stop passing bytes on, in both directions, without closing a connection.
struct Wire {
    addr: SocketAddr,
    silent: watch::Sender<bool>,
    accepted: Arc<AtomicUsize>,
}

impl Wire {
    async fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (silent, silence) = watch::channel(false);
        let accepted = Arc::new(AtomicUsize::new(0));
        let (target, count) = (target.to_owned(), Arc::clone(&accepted));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = TcpStream::connect(&target).await.unwrap().into_split();
                tokio::spawn(pass(from_client, to_server, silence.clone()));
                tokio::spawn(pass(from_server, to_client, silence.clone()));
            }
        });
        Self { addr, silent, accepted }
    }

    /// A wire to the server that `url` names, and the URL through the wire.
    async fn before(url: &str) -> (Self, String) {
        let mut url = url::Url::parse(url).unwrap();
        let wire = Self::to(&format!("{}:{}", url.host_str().unwrap(), url.port().unwrap())).await;
        url.set_port(Some(wire.addr.port())).unwrap();
        (wire, url.into())
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut silence: watch::Receiver<bool>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if silence.wait_for(|silent| !silent).await.is_err() || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn a_silent_broker_is_noticed_by_its_heartbeats_and_no_publish_hangs() {
    let bed = TestBed::new().await;
    let (wire, url) = Wire::before(&bed.amqp_url).await;
    let impatient = [
        ("GOTICKET__AMQP__URL", url.as_str()),
        ("GOTICKET__AMQP__HEARTBEAT_S", "1"),
        ("GOTICKET__AMQP__CONFIRM_TIMEOUT_MS", "500"),
        ("GOTICKET__AMQP__CONNECT_TIMEOUT_MS", "500"),
    ];
    let config: Config = config_with(&bed, &impatient);
    let amqp = amqp::connect(&config.amqp, "silence").await.unwrap();
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    amqp.channel().await.unwrap().queue_declare("q".into(), options, FieldTable::default()).await.unwrap();
    let publisher = amqp.publisher();
    let publish = || publisher.publish("", "q", persistent(), b"x".to_vec());
    publish().await.unwrap();
    let mut consumer = amqp.consume("q", 10);
    assert!(!consumer.next().await.redelivered());

    wire.silent.send_replace(true);
    let begun = Instant::now();
    assert_eq!(publish().await, Err(PublishError::Unknown));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    eventually("both losses are noticed", SOON, || async {
        (publish().await == Err(PublishError::Unavailable) && (amqp.health())().is_err()).then_some(())
    })
    .await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());

    wire.silent.send_replace(false);
    eventually("the publisher is back", SOON, || async { publish().await.ok() }).await;
    let again = tokio::time::timeout(SOON, consumer.next()).await.unwrap();
    again.ack().await.unwrap();
}

#[tokio::test]
async fn a_silent_redis_costs_errors_in_time_and_its_subscriptions_resume() {
    let bed = TestBed::new().await;
    let (wire, url) = Wire::before(&bed.redis_url).await;
    let impatient = [("GOTICKET__REDIS__URL", url.as_str()), ("GOTICKET__REDIS__RESPONSE_TIMEOUT_MS", "300")];
    let config: Config = config_with(&bed, &impatient);
    let redis = redis::connect(&config.redis).await.unwrap();
    let mut subscription = redis::subscribe(&config.redis, [redis.key("channel")]).await.unwrap();

    wire.silent.send_replace(true);
    let connections = wire.accepted.load(Ordering::Relaxed);
    let begun = Instant::now();
    assert!(is_unavailable(&redis.ping().await.unwrap_err()));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    eventually("the subscription found out by its own ping and tries anew", SOON, || async {
        (wire.accepted.load(Ordering::Relaxed) > connections).then_some(())
    })
    .await;

    wire.silent.send_replace(false);
    eventually("Redis answers again", SOON, || async { redis.ping().await.ok() }).await;
    assert_eq!(tokio::time::timeout(SOON, subscription.next()).await.unwrap(), Notice::Gap);
}
