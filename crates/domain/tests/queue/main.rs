//! The waiting room's rules, from the outside.

#![allow(clippy::unwrap_used, missing_docs)]

mod boards;
mod chances;
mod client_vectors;
mod room;
