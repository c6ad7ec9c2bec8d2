//! The workers: what happens to a ticket behind the counter.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod mail;
mod one_line;
pub mod sandbox;
pub mod ticket_pdf;
