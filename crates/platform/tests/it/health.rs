//! `/readyz` says which dependency is missing.

use std::sync::Arc;

use futures::{FutureExt as _, future::ready};
use goticket_platform::{
    amqp,
    config::{AmqpConfig, KafkaConfig, PostgresConfig, RedisConfig},
    health::{self, Readiness, checks},
    http, kafka, metrics, postgres, redis,
    shutdown::Shutdown,
};
use goticket_testkit::{TestBed, eventually};
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::{SOON, config};

#[derive(Deserialize)]
struct Config {
    postgres: PostgresConfig,
    redis: RedisConfig,
    amqp: AmqpConfig,
    kafka: KafkaConfig,
}

#[tokio::test]
async fn an_optional_dependency_is_reported_but_does_not_stop_the_process() {
    let readiness = Readiness::new();
    readiness.optional("kafka", Arc::new(|| ready(Err("away".to_owned())).boxed()));
    let report = readiness.report().await;
    assert!(report.ready);
    assert_eq!(report.dependencies["kafka"].error.as_deref(), Some("away"));
}

#[tokio::test]
async fn a_check_that_hangs_is_a_missing_dependency() {
    let readiness = Readiness::new();
    readiness.critical("postgres", Arc::new(|| std::future::pending().boxed()));
    let report = readiness.report().await;
    assert!(!report.ready);
    assert!(report.dependencies["postgres"].error.as_ref().unwrap().contains("no answer"));
}

#[tokio::test]
async fn each_server_that_goes_away_is_named_until_it_is_back() {
    let (bed, links) = TestBed::behind_links().await;
    let config: Config = config(&bed);
    let amqp = amqp::connect(&config.amqp, "health test").await.unwrap();
    let readiness = Readiness::new();
    readiness.critical("postgres", checks::postgres(postgres::connect(&config.postgres, postgres::Plans::ByKeys).await.unwrap()));
    readiness.critical("redis", checks::redis(redis::connect(&config.redis).await.unwrap()));
    readiness.critical("rabbitmq", checks::amqp(&amqp));
    readiness.optional("kafka", checks::kafka(kafka::producer(&config.kafka).unwrap()));

    let shutdown = Shutdown::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = health::router(readiness, metrics::install().unwrap());
    let serving = http::serve(listener, router, shutdown.token(), SOON);
    shutdown.spawn_fallible("http", serving);

    let ask = || async {
        let response = reqwest::get(format!("{url}/readyz")).await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let is = async |what: &str, status: u16, ok: [bool; 4]| {
        eventually(what, SOON, || async {
            let (got, report) = ask().await;
            let names = ["postgres", "redis", "rabbitmq", "kafka"];
            let all = names.iter().zip(ok).all(|(name, ok)| report["dependencies"][name]["ok"] == ok);
            (got == status && all).then_some(())
        })
        .await;
    };

    is("all are there", 200, [true; 4]).await;
    links.kafka.cut();
    is("Kafka is missing", 200, [true, true, true, false]).await;
    links.kafka.restore();
    links.postgres.cut();
    is("Postgres is missing", 503, [false, true, true, true]).await;
    links.postgres.restore();
    links.redis.cut();
    is("Redis is missing", 503, [true, false, true, true]).await;
    links.redis.restore();
    links.amqp.cut();
    is("RabbitMQ is missing", 503, [true, true, false, true]).await;
    links.amqp.restore();
    is("all are back", 200, [true; 4]).await;

    assert_eq!(reqwest::get(format!("{url}/healthz")).await.unwrap().status(), 200);
    assert_eq!(reqwest::get(format!("{url}/metrics")).await.unwrap().status(), 200);
    shutdown.drain(SOON).await.unwrap();
}
