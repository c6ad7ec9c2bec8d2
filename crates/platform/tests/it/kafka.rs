//! Kafka: what the producer was given arrives once, in order, in the partition Java would choose.

use std::time::Duration;

use goticket_platform::{
    config::KafkaConfig,
    kafka::{self, Topic},
};
use goticket_testkit::TestBed;
use rdkafka::{
    ClientConfig, Message as _,
    admin::{AdminClient, AdminOptions, ResourceSpecifier},
    client::DefaultClientContext,
    consumer::{CommitMode, Consumer as _},
    producer::FutureRecord,
};
use serde::Deserialize;

use crate::config;

const PARTITIONS: i32 = 7;

/// Of the key "21": Kafka's own test vectors say `murmur2("21") = -973932308`; without the sign bit, modulo the partitions.
const JAVAS_PARTITION: i32 = 0x45f2_f8ec % PARTITIONS;

#[derive(Deserialize)]
struct Config {
    kafka: KafkaConfig,
}

async fn retention_ms(config: &KafkaConfig, topic: &str) -> String {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", &config.brokers).create().unwrap();
    let mut found = admin.describe_configs(&[ResourceSpecifier::Topic(topic)], &AdminOptions::new()).await.unwrap();
    found.remove(0).unwrap().get("retention.ms").unwrap().value.clone().unwrap()
}

#[tokio::test]
async fn topics_are_made_once_and_messages_of_a_key_arrive_in_order() {
    let bed = TestBed::new().await;
    let config = config::<Config>(&bed).kafka;
    let topics = [Topic { name: "bookings".into(), partitions: PARTITIONS, retention: Duration::from_hours(24 * 21) }];
    kafka::ensure_topics(&config, &topics).await.unwrap();
    kafka::ensure_topics(&config, &topics).await.unwrap();
    let topic = config.prefixed("bookings");
    assert_eq!(retention_ms(&config, &topic).await, (21_u64 * 24 * 60 * 60 * 1_000).to_string());

    let producer = kafka::producer(&config).unwrap();
    let mut deliveries = Vec::new();
    for n in 0..20 {
        let payload = n.to_string();
        let record = FutureRecord::to(&topic).key("21").payload(&payload);
        deliveries.push(producer.send_result(record).map_err(|(error, _)| error).unwrap());
    }
    for delivery in deliveries {
        let delivered = delivery.await.unwrap().map_err(|(error, _)| error).unwrap();
        assert_eq!(delivered.partition, JAVAS_PARTITION);
    }

    let consumer = kafka::consumer(&config, "readers").unwrap();
    consumer.subscribe(&[&topic]).unwrap();
    for n in 0..20 {
        let message = tokio::time::timeout(Duration::from_secs(30), consumer.recv()).await.unwrap().unwrap();
        assert_eq!(message.payload().unwrap(), n.to_string().as_bytes());
        if n == 9 {
            consumer.commit_message(&message, CommitMode::Sync).unwrap();
        }
    }
    drop(consumer);

    let second = kafka::consumer(&config, "readers").unwrap();
    second.subscribe(&[&topic]).unwrap();
    let message = tokio::time::timeout(Duration::from_secs(30), second.recv()).await.unwrap().unwrap();
    assert_eq!(message.payload().unwrap(), b"10", "only what was committed is done");
}
