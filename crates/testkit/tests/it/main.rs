//! The test kit on its own servers: each test is a promise the other crates' tests build on.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod isolation;
mod links;
mod restarts;
mod servers;
mod survival;
