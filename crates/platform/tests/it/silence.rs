//! A network that goes silent without closing anything: only time-outs and heartbeats can tell.

use std::time::{Duration, Instant};

use goticket_platform::{
    amqp::{self, PublishError, persistent},
    config::{AmqpConfig, RedisConfig},
    redis::{self, Notice, is_unavailable},
};
use goticket_testkit::{Link, TestBed, eventually};
use lapin::{options::QueueDeclareOptions, types::FieldTable};
use serde::Deserialize;

use crate::{SOON, config_with};

#[derive(Deserialize)]
struct Config {
    redis: RedisConfig,
    amqp: AmqpConfig,
}

#[tokio::test]
async fn a_silent_broker_is_noticed_by_its_heartbeats_and_no_publish_hangs() {
    let bed = TestBed::new().await;
    let mut url = bed.amqp_url.clone();
    let link = Link::before(&mut url).await.unwrap();
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

    link.hush();
    let begun = Instant::now();
    assert_eq!(publish().await, Err(PublishError::Unknown));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    eventually("both losses are noticed", SOON, || async {
        (publish().await == Err(PublishError::Unavailable) && (amqp.health())().is_err()).then_some(())
    })
    .await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());

    link.restore();
    eventually("the publisher is back", SOON, || async { publish().await.ok() }).await;
    let again = tokio::time::timeout(SOON, consumer.next()).await.unwrap();
    again.ack().await.unwrap();
}

#[tokio::test]
async fn a_silent_redis_costs_errors_in_time_and_its_subscriptions_resume() {
    let bed = TestBed::new().await;
    let mut url = bed.redis_url.clone();
    let link = Link::before(&mut url).await.unwrap();
    let impatient = [("GOTICKET__REDIS__URL", url.as_str()), ("GOTICKET__REDIS__RESPONSE_TIMEOUT_MS", "300")];
    let config: Config = config_with(&bed, &impatient);
    let redis = redis::connect(&config.redis).await.unwrap();
    let mut subscription = redis::subscribe(&config.redis, [redis.key("channel")]).await.unwrap();

    link.hush();
    let connections = link.accepted();
    let begun = Instant::now();
    assert!(is_unavailable(&redis.ping().await.unwrap_err()));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    eventually("the subscription found out by its own ping and tries again", SOON, || async {
        (link.accepted() > connections).then_some(())
    })
    .await;

    link.restore();
    eventually("Redis answers again", SOON, || async { redis.ping().await.ok() }).await;
    assert_eq!(tokio::time::timeout(SOON, subscription.next()).await.unwrap(), Notice::Gap);
}
