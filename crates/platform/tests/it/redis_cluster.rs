//! A Redis Cluster of three nodes behaves as one server does.

use ::redis::{Script, cmd, pipe};
use futures::FutureExt as _;
use goticket_platform::{
    config::RedisConfig,
    redis::{self, ConnectError, Notice, Redis, is_unavailable, subscribe},
};
use goticket_testkit::{RedisCluster, TestBed, eventually};
use serde::Deserialize;

use crate::{SOON, config_with};

/// Keys enough for every node to have some.
const KEYS: usize = 60;

#[derive(Deserialize)]
struct Config {
    redis: RedisConfig,
}

async fn cluster() -> (RedisCluster, RedisConfig) {
    let (bed, cluster) = (TestBed::new().await, RedisCluster::start().await.unwrap());
    let (url, nodes) = (cluster.url(), cluster.addresses().join(","));
    let config: Config = config_with(&bed, &[("GOTICKET__REDIS__URL", &url), ("GOTICKET__REDIS__CLUSTER_NODES", &nodes)]);
    (cluster, config.redis)
}

fn keys(redis: &Redis) -> Vec<String> {
    (0..KEYS).map(|n| redis.key(&format!("{{{n}}}:key"))).collect()
}

#[tokio::test]
async fn a_pipeline_over_all_nodes_is_answered_in_the_order_of_its_commands() {
    let (cluster, config) = cluster().await;
    let redis = redis::connect(&config).await.unwrap();
    let (mut write, mut read) = (pipe(), pipe());
    for (n, key) in keys(&redis).iter().enumerate() {
        write.cmd("SET").arg(key).arg(n).ignore();
        read.cmd("GET").arg(key).cmd("STRLEN").arg(key);
    }
    redis.pipeline::<()>(&write).await.unwrap();
    let found: Vec<usize> = redis.pipeline(&read).await.unwrap();
    let expected: Vec<usize> = (0..KEYS).flat_map(|n| [n, n.to_string().len()]).collect();
    assert_eq!(found, expected);
    for node in 0..3 {
        let size: usize = cmd("DBSIZE").query_async(&mut cluster.node(node).await.unwrap()).await.unwrap();
        assert!((1..KEYS).contains(&size), "node {node} has {size} keys");
    }
    // What is one transaction stays one.
    let key = redis.key("{one}:list");
    let mut both = pipe();
    both.atomic().cmd("RPUSH").arg(&key).arg(1).cmd("RPUSH").arg(&key).arg(2);
    assert_eq!(redis.pipeline::<(u8, u8)>(&both).await.unwrap(), (1, 2));
}

#[tokio::test]
async fn a_script_runs_where_its_keys_are_though_the_nodes_forgot_it() {
    let (cluster, config) = cluster().await;
    let redis = redis::connect(&config).await.unwrap();
    let script = Script::new("return redis.call('INCRBY', KEYS[1], ARGV[1])");
    for (round, key) in keys(&redis).iter().enumerate() {
        if round % 20 == 0 {
            for node in 0..3 {
                let mut node = cluster.node(node).await.unwrap();
                let _: () = cmd("SCRIPT").arg("FLUSH").query_async(&mut node).await.unwrap();
            }
        }
        assert_eq!(redis.eval::<usize>(&script, &[key], round).await.unwrap(), round);
    }
    redis.ping().await.unwrap();
}

#[tokio::test]
async fn while_a_node_is_away_the_others_answer_and_it_comes_back() {
    let (mut cluster, config) = cluster().await;
    let redis = redis::connect(&config).await.unwrap();
    let mut heard = subscribe(&config, ["news"]).await.unwrap();
    let mut of_node = [const { Vec::new() }; 3];
    for key in keys(&redis) {
        of_node[cluster.node_of(&key).await.unwrap()].push(key);
    }
    // The one that the subscription is at.
    cluster.kill(0).unwrap();
    let error = redis.query::<()>(cmd("SET").arg(&of_node[0][0]).arg(1)).await.unwrap_err();
    assert!(is_unavailable(&error), "{error:?}");
    for key in of_node[1].iter().chain(&of_node[2]) {
        eventually("the others to answer", SOON, async || redis.query::<()>(cmd("SET").arg(key).arg(1)).await.ok()).await;
    }
    assert_eq!(heard.next().await, Notice::Gap, "subscribed again, at another node");
    redis.query::<()>(cmd("PUBLISH").arg("news").arg("good")).await.unwrap();
    assert_eq!(heard.next().await, Notice::Message { channel: "news".into(), payload: b"good".to_vec() });
    cluster.start_again(0).await.unwrap();
    for key in of_node.iter().flatten() {
        eventually("every node", SOON, async || redis.query::<()>(cmd("SET").arg(key).arg(2)).await.ok()).await;
    }
    assert!(heard.next().now_or_never().is_none(), "nothing was said");
}

#[tokio::test]
async fn a_node_that_evicts_is_refused_whichever_it_is() {
    let (cluster, config) = cluster().await;
    let mut node = cluster.node(2).await.unwrap();
    let _: () = cmd("CONFIG").arg("SET").arg("maxmemory-policy").arg("allkeys-lru").query_async(&mut node).await.unwrap();
    let refusal = redis::connect(&config).await.err().unwrap();
    assert!(matches!(refusal, ConnectError::Evicts(policy) if policy == "allkeys-lru"));
}
