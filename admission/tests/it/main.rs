//! The waiting room on real servers: Redis, PostgreSQL, and gRPC over a socket.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::large_futures, missing_docs)]

mod admission;
mod auto_rate;
mod beacon;
mod boards;
mod control;
mod draw;
mod draws;
mod faults;
mod grpc;
mod grpc_client;
mod loss;
mod owners;
mod place;
mod process;
mod publication;
mod rate;
mod scripts;
mod statistics;
mod told;
mod world;
