//! Seating: importing plans, laying them out, and finding the best seats.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod allocation;
mod arena;
mod layout;
mod mutations;
mod plans;
mod quirks;
mod refusals;
mod theatre;
