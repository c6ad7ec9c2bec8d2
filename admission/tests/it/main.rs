//! The waiting room on real servers: Redis, PostgreSQL, and gRPC over a socket.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::large_futures, missing_docs)]

mod admission;
mod auto_rate;
mod beacon;
mod boards;
mod booked;
mod codes;
mod control;
mod deferral;
mod draw;
mod draws;
mod enter;
mod eta;
mod faults;
mod groups;
mod groups_at_once;
mod grpc;
mod grpc_client;
mod identity;
mod idle;
mod loss;
mod modes;
mod onsales;
mod owners;
mod place;
mod process;
mod publication;
mod rate;
mod scripts;
mod slots;
mod sold_out;
mod statistics;
mod stock;
mod told;
mod world;
