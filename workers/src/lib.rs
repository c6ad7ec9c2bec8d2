//! The workers: what happens to a ticket behind the counter. Bookings are decided, paid for and given back; what was decided is told
//! to the world; tickets are printed and sent.
//!
//! Not here: HTTP for fans (the gateway), the waiting room (admission), SQL (`goticket_storage`).
//!
//! Invariants:
//! * a command is acknowledged only after what it decided is committed;
//! * everything may be carried out twice, by two workers, or be cut off at any point: the outcome is the same.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod app;
pub mod config;
pub mod inbound;
pub mod mail;
mod one_line;
pub mod outbound;
mod roles;
pub mod sandbox;
pub mod ticket_pdf;

pub use config::Config;
pub use roles::{WorkerRole, run};
