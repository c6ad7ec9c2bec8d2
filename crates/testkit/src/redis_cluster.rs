//! A Redis Cluster of a test's own.

use std::{fs, process::Command};

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::Signal;
use redis::{Client, RedisResult, aio::MultiplexedConnection, cmd};

use crate::{
    keeper::Keeper,
    local::{self, REDIS_SETTINGS},
    ports::free_port,
    ready,
};

/// Three primaries without replicas: the least that Redis takes for a cluster.
const NODES: [&str; 3] = ["Redis node 1", "Redis node 2", "Redis node 3"];
/// After so long a silent node has failed, in milliseconds.
const NODE_TIMEOUT_MS: &str = "1000";

/// Three nodes on loopback ports, which share all keys among them. Ends with this value, or with the process.
#[derive(Debug)]
pub struct RedisCluster {
    ports: [u16; 3],
    nodes: Vec<local::Process>,
    keeper: Option<Keeper>,
}

impl RedisCluster {
    /// Starts it, and returns when every slot has its node.
    pub async fn start() -> Result<Self> {
        let keeper = Keeper::new(false)?;
        let ports = NODES.map(|_| free_port());
        let mut nodes = Vec::new();
        for (name, port) in NODES.into_iter().zip(ports) {
            let folder = keeper.folder().join(port.to_string());
            fs::create_dir(&folder)?;
            let mut redis = Command::new("redis-server");
            redis
                .current_dir(&folder)
                .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
                .args(["--cluster-enabled", "yes", "--cluster-port", &free_port().to_string()])
                // What the others have can be used while one is away.
                .args(["--cluster-node-timeout", NODE_TIMEOUT_MS, "--cluster-require-full-coverage", "no"])
                .args(["--set-proc-title", "no"])
                .args(REDIS_SETTINGS);
            let node = local::Server::spawn(name, keeper.folder(), redis)?;
            nodes.push(node.ready(|| ready::redis_node(port)).await?);
        }
        let cluster = Self { ports, nodes, keeper: Some(keeper) };
        cluster.share_slots().await?;
        Ok(cluster)
    }

    async fn share_slots(&self) -> Result<()> {
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create"]).args(self.addresses()).arg("--cluster-yes");
        let folder = self.keeper.as_ref().context("the cluster has ended")?.folder();
        local::run("redis-cli", folder, create).await?;
        self.ready().await
    }

    /// Waits until every node knows a node for every slot.
    async fn ready(&self) -> Result<()> {
        for port in self.ports {
            ready::until("the Redis Cluster", || Ok(()), || ready::redis_cluster(port)).await?;
        }
        Ok(())
    }

    /// `redis://…` of the first node.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.ports[0])
    }

    /// `host:port` of every node.
    pub fn addresses(&self) -> [String; 3] {
        self.ports.map(|port| format!("127.0.0.1:{port}"))
    }

    /// A connection to one node alone (0 to 2), which says of a key of another one that it has moved.
    pub async fn node(&self, node: usize) -> Result<MultiplexedConnection> {
        let port = self.ports.get(node).context("the cluster has three nodes")?;
        Ok(Client::open(format!("redis://127.0.0.1:{port}/"))?.get_multiplexed_async_connection().await?)
    }

    /// Which node (0 to 2) a key belongs to.
    pub async fn node_of(&self, key: &str) -> Result<usize> {
        for node in 0..self.ports.len() {
            let has: RedisResult<bool> = cmd("EXISTS").arg(key).query_async(&mut self.node(node).await?).await;
            if has.is_ok() {
                return Ok(node);
            }
        }
        bail!("no node takes the key {key:?}")
    }

    /// Kills a node (0 to 2) without any warning. Blocks for a moment.
    pub fn kill(&mut self, node: usize) -> Result<()> {
        self.nodes.get_mut(node).context("the cluster has three nodes")?.kill(Signal::SIGKILL)
    }

    /// Starts it again: with its slots, without any key. Returns when the cluster is whole.
    pub async fn start_again(&mut self, node: usize) -> Result<()> {
        let port = *self.ports.get(node).context("the cluster has three nodes")?;
        let process = self.nodes.get_mut(node).context("the cluster has three nodes")?;
        process.start_again()?;
        process.ready(|| ready::redis_node(port)).await?;
        self.ready().await
    }
}
