//! Real PostgreSQL, Redis, RabbitMQ, Kafka and a mail server that can be read back, for tests, the
//! demo and benchmarks.
//!
//! What it is: [`Stack`] finds or starts the servers, [`TestBed`] is one test's own corner of them,
//! [`Link`] takes one of them away for a while, [`Stack::kill`] ends one of them, [`RedisCluster`] is a Redis of three nodes, [`VirtualHost`] is a bed's part of RabbitMQ as an
//! operator sees it, [`Deployment`] runs GoTicket's own processes on
//! them,
//! [`eventually`] waits for a condition.
//! What it is not: a mock of anything.
//!
//! Where the servers come from, in this order: the ones named by `GOTICKET_TEST_*` variables;
//! containers, where a Docker engine answers (`GOTICKET_DOCKER=0` says no); processes of our own on
//! free loopback ports, from what `cargo xtask install` has put into the cache folder.
//!
//! Invariants:
//! - No server, container or folder outlives the process that started it, not even when that one is
//!   killed with SIGKILL (see `keeper.rs`).
//! - Two beds never see each other's databases, virtual hosts, keys, topics, mails or files.

mod addresses;
mod bed;
mod cache;
mod deployment;
mod docker;
mod eventually;
mod keeper;
mod link;
mod links;
mod local;
mod mailbox;
mod ports;
mod ready;
mod redis_cluster;
mod servers;
mod source;
mod stack;
mod virtual_host;

pub use bed::TestBed;
pub use deployment::{Deployment, Output};
pub use eventually::eventually;
pub use link::Link;
pub use links::{KafkaWay, Links};
pub use mailbox::{Mail, Mailbox};
pub use ports::free_port;
pub use redis_cluster::RedisCluster;
pub use servers::Server;
pub use stack::{Durability, Stack};
pub use virtual_host::VirtualHost;
