//! What answers: one server, or a cluster each node of which has the keys of some events.

use std::{collections::HashMap, num::NonZeroUsize, time::Duration};

use ::redis::{
    Arg, Client, Cmd, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, Pipeline, RedisResult, Value,
    aio::{ConnectionLike as _, ConnectionManager, ConnectionManagerConfig},
    cluster::ClusterClientBuilder,
    cluster_async::ClusterConnection,
    cluster_routing::{MultipleNodeRoutingInfo::AllMasters, RoutingInfo, Slot},
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
};
use futures::future::try_join_all;
use secrecy::ExposeSecret as _;

use super::{RECONNECT_DELAY_MAX, RECONNECT_DELAY_MIN};
use crate::config::{NodeAddress, RedisConfig};

/// A peer that acknowledges nothing for this long is gone, whatever the network says.
const DEAD_PEER: Duration = Duration::from_secs(5);

/// How often a request is sent again within its time-out: to the node that has its keys by now, or to one that did not answer.
const RETRIES: u32 = 3;
/// Rounds over a cluster's nodes when it is connected to.
const CONNECT_ROUNDS: NonZeroUsize = NonZeroUsize::MIN;

#[derive(Clone)]
pub(super) enum Server {
    Single(ConnectionManager),
    Cluster(ClusterConnection),
}

impl Server {
    pub(super) async fn connect(config: &RedisConfig, in_flight: usize) -> RedisResult<Self> {
        let (connect, respond) = (config.connect_timeout_ms.millis(), config.response_timeout_ms.millis());
        let first = first_node(config)?;
        if config.cluster_nodes.is_empty() {
            let settings = ConnectionManagerConfig::new()
                .set_connection_timeout(Some(connect))
                .set_response_timeout(Some(respond))
                .set_pipeline_buffer_size(in_flight)
                .set_min_delay(RECONNECT_DELAY_MIN)
                .set_max_delay(RECONNECT_DELAY_MAX);
            return Ok(Self::Single(ConnectionManager::new_with_config(Client::open(first)?, settings).await?));
        }
        let client = ClusterClientBuilder::new(nodes(first, config))
            .tcp_settings(tcp_settings())
            .connection_timeout(connect)
            .response_timeout(respond)
            .overall_response_timeout(Some(respond))
            .retries(RETRIES)
            .min_retry_wait(millis(RECONNECT_DELAY_MIN))
            .max_retry_wait(millis(RECONNECT_DELAY_MAX))
            .max_connection_attempts(CONNECT_ROUNDS)
            .build()?;
        Ok(Self::Cluster(client.get_async_connection().await?))
    }

    pub(super) async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::Single(manager) => manager.send_packed_command(command).await,
            Self::Cluster(cluster) => cluster.req_packed_command(command).await,
        }
    }

    /// Of every node that has keys.
    pub(super) async fn ask_each(&mut self, command: &Cmd) -> RedisResult<Vec<Value>> {
        match self {
            Self::Single(manager) => manager.send_packed_command(command).await.map(|answer| vec![answer]),
            Self::Cluster(cluster) => {
                let answers = cluster.route_command(command.clone(), RoutingInfo::MultiNode((AllMasters, None))).await?;
                Ok(answers.into_map_iter().map(|nodes| nodes.map(|(_, answer)| answer).collect()).unwrap_or_default())
            }
        }
    }

    pub(super) async fn send_all(&mut self, pipeline: &Pipeline, offset: usize, count: usize) -> RedisResult<Vec<Value>> {
        match self {
            Self::Single(manager) => manager.send_packed_commands(pipeline, offset, count).await,
            // A transaction is about keys of one slot, or Redis refuses it.
            Self::Cluster(cluster) if pipeline.is_transaction() => cluster.req_packed_commands(pipeline, offset, count).await,
            Self::Cluster(cluster) => send_by_slot(cluster, pipeline).await,
        }
    }

    pub(super) fn get_db(&self) -> i64 {
        match self {
            Self::Single(manager) => manager.get_db(),
            Self::Cluster(cluster) => cluster.get_db(),
        }
    }
}

/// A pipeline for each slot, all at once; the answers in the order of the commands.
async fn send_by_slot(cluster: &ClusterConnection, pipeline: &Pipeline) -> RedisResult<Vec<Value>> {
    let mut slots: HashMap<Option<Slot>, (Pipeline, Vec<usize>)> = HashMap::new();
    for (position, command) in pipeline.cmd_iter().enumerate() {
        let (part, positions) = slots.entry(slot(command)).or_default();
        part.add_command(command.clone());
        positions.push(position);
    }
    let parts = slots.into_values().map(|(part, positions)| {
        let mut cluster = cluster.clone();
        async move {
            let answers = cluster.req_packed_commands(&part, 0, positions.len()).await?;
            RedisResult::Ok(positions.into_iter().zip(answers).collect::<Vec<_>>())
        }
    });
    let mut answers: Vec<(usize, Value)> = try_join_all(parts).await?.into_iter().flatten().collect();
    answers.sort_unstable_by_key(|(position, _)| *position);
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

/// By the first argument, which is a key in all commands that are sent by pipelines: scripts are called one by one.
fn slot(command: &Cmd) -> Option<Slot> {
    match command.args_iter().nth(1)? {
        Arg::Simple(key) => Some(Slot::for_key(key)),
        _ => None,
    }
}

/// The address of the configuration.
pub(super) fn first_node(config: &RedisConfig) -> RedisResult<ConnectionInfo> {
    Ok(config.url.expose_secret().into_connection_info()?.set_tcp_settings(tcp_settings()))
}

/// The same with the cluster's further nodes, to which user, password and encryption apply as well.
pub(super) fn nodes(first: ConnectionInfo, config: &RedisConfig) -> Vec<ConnectionInfo> {
    let further = |node: &NodeAddress| {
        let (host, port) = (node.host.to_string(), node.port);
        let address = match first.addr() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: tls_params.clone() }
            }
            _ => ConnectionAddr::Tcp(host, port),
        };
        first.clone().set_addr(address)
    };
    let mut nodes: Vec<ConnectionInfo> = config.cluster_nodes.iter().map(further).collect();
    nodes.insert(0, first);
    nodes
}

/// Socket options that find a dead peer.
fn tcp_settings() -> TcpSettings {
    let probes = TcpKeepalive::new().with_time(DEAD_PEER).with_interval(Duration::from_secs(1)).with_retries(3);
    TcpSettings::default().set_nodelay(true).set_keepalive(probes).set_user_timeout(DEAD_PEER)
}

fn millis(delay: Duration) -> u64 {
    u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)
}
