//! The promises of the platform, on real servers.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod amqp;
mod config;
mod health;
mod http;
mod kafka;
mod lasting;
mod postgres;
mod redis;
mod redis_cluster;
mod shutdown;
mod silence;
mod telemetry;

use std::time::Duration;

use goticket_platform::config::load_from;
use goticket_testkit::TestBed;
use serde::de::DeserializeOwned;

/// Longer than any reconnection takes on a busy machine.
const SOON: Duration = Duration::from_secs(30);

/// The sections a test needs, pointed at its bed.
fn config<T: DeserializeOwned>(bed: &TestBed) -> T {
    config_with(bed, &[])
}

/// Like [`config`], with some settings of one's own.
fn config_with<T: DeserializeOwned>(bed: &TestBed, extra: &[(&str, &str)]) -> T {
    goticket_platform::crypto::install();
    let bed = [
        ("GOTICKET__POSTGRES__URL", bed.postgres_url.as_str()),
        ("GOTICKET__REDIS__URL", &bed.redis_url),
        ("GOTICKET__REDIS__PREFIX", &bed.redis_prefix),
        ("GOTICKET__AMQP__URL", &bed.amqp_url),
        ("GOTICKET__KAFKA__BROKERS", &bed.kafka_brokers),
        ("GOTICKET__KAFKA__TOPIC_PREFIX", &bed.kafka_topic_prefix),
    ];
    let variables = bed.iter().chain(extra).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    load_from(None, variables).unwrap()
}
