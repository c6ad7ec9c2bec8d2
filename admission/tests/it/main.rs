//! The waiting room on real servers: Redis, PostgreSQL, and gRPC over a socket.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod admission;
mod place;
mod world;
