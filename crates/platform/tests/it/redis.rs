//! Redis: scripts, bounds, losses.

use std::time::Duration;

use ::redis::{AsyncCommands as _, Script, cmd};
use futures::{FutureExt as _, future::join_all};
use goticket_platform::{
    config::RedisConfig,
    redis::{self, Notice, Redis, is_unavailable},
};
use goticket_testkit::{TestBed, eventually};
use serde::Deserialize;

use crate::{SOON, config, config_with};

#[derive(Deserialize)]
struct Config {
    redis: RedisConfig,
}

async fn connect(bed: &TestBed) -> Redis {
    redis::connect(&config::<Config>(bed).redis).await.unwrap()
}

#[tokio::test]
async fn a_script_survives_the_servers_forgetting_it() {
    let redis = connect(&TestBed::new().await).await;
    let script = Script::new("return redis.call('INCRBY', KEYS[1], ARGV[1]) .. ARGV[2]");
    let key = redis.key("count");
    let first: String = redis.eval(&script, &[&key], (2, "x")).await.unwrap();
    redis.query::<()>(cmd("SCRIPT").arg("FLUSH")).await.unwrap();
    let second: String = redis.eval(&script, &[&key], (3, "y")).await.unwrap();
    assert_eq!((first.as_str(), second.as_str()), ("2x", "5y"));
}

#[tokio::test]
async fn commands_of_the_library_work_on_a_clone() {
    let redis = connect(&TestBed::new().await).await;
    let key = redis.key("greeting");
    assert!(key.starts_with(redis.prefix()));
    let _: () = redis.clone().set(&key, "hello").await.unwrap();
    let value: String = redis.clone().get(&key).await.unwrap();
    assert_eq!(value, "hello");
}

#[tokio::test]
async fn more_requests_than_the_bound_all_get_their_turn() {
    let bed = TestBed::new().await;
    let bounded: Config = config_with(&bed, &[("GOTICKET__REDIS__MAX_IN_FLIGHT", "4")]);
    let redis = redis::connect(&bounded.redis).await.unwrap();
    let key = redis.key("count");
    let requests = (0..500).map(|_| {
        let (redis, key) = (redis.clone(), key.clone());
        async move { redis.query::<i64>(cmd("INCR").arg(&key)).await.unwrap() }
    });
    let mut counts = join_all(requests).await;
    counts.sort_unstable();
    assert_eq!(counts, (1..=500).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_server_that_goes_away_costs_errors_in_time_and_comes_back() {
    let (bed, links) = TestBed::behind_links().await;
    let redis = connect(&bed).await;
    links.redis.cut();
    let begun = std::time::Instant::now();
    let error = redis.ping().await.unwrap_err();
    assert!(is_unavailable(&error), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(2), "the time-out is one second");
    links.redis.restore();
    eventually("Redis answers again", SOON, || async { redis.ping().await.ok() }).await;
}

/// As a master answers that a fail-over made a replica: to writes only, and for as long as the connection stands.
#[tokio::test]
async fn a_server_that_became_a_replica_is_left() {
    let (bed, links) = TestBed::behind_links().await;
    let redis = connect(&bed).await;
    let refusal = "READONLY You can't write against a read only replica.";
    let write = Script::new("return redis.error_reply(ARGV[1])");
    let (key, before) = (redis.key("written"), links.redis.accepted());
    let alone = redis.eval::<()>(&write, &[&key], refusal).await.unwrap_err();
    assert!(is_unavailable(&alone), "{alone}");
    let another = async || {
        let _ = redis.ping().await;
        (links.redis.accepted() > before).then_some(links.redis.accepted())
    };
    let second = eventually("another connection", SOON, another).await;

    let mut pipeline = ::redis::pipe();
    pipeline.cmd("EVAL").arg("return redis.error_reply(ARGV[1])").arg(1).arg(&key).arg(refusal);
    let third = async || {
        // What meets the connection's end is told so.
        assert!(is_unavailable(&redis.pipeline::<()>(&pipeline).await.unwrap_err()));
        (links.redis.accepted() > second).then_some(())
    };
    eventually("a third connection", SOON, third).await;
    eventually("Redis answers again", SOON, || async { redis.ping().await.ok() }).await;
}

#[tokio::test]
async fn a_subscription_resumes_after_a_cut_and_says_that_it_may_have_missed_something() {
    let (bed, links) = TestBed::behind_links().await;
    let config: RedisConfig = config::<Config>(&bed).redis;
    let redis = redis::connect(&config).await.unwrap();
    let channel = redis.key("replies");
    let mut subscription = redis::subscribe(&config, [channel.clone()]).await.unwrap();
    let publish = |text: &'static str| {
        let (redis, channel) = (redis.clone(), channel.clone());
        async move { redis.query::<i64>(cmd("PUBLISH").arg(channel).arg(text)).await.unwrap_or(0) }
    };
    let message = |text: &str| Notice::Message { channel: channel.clone(), payload: text.into() };

    assert_eq!(publish("one").await, 1);
    assert_eq!(subscription.next().await, message("one"));

    links.redis.cut();
    links.redis.restore();
    assert_eq!(subscription.next().await, Notice::Gap);
    eventually("someone listens again", SOON, || publish("two").map(|heard| (heard == 1).then_some(()))).await;
    assert_eq!(subscription.next().await, message("two"));
}
