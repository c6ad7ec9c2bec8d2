//! What only the whole can show: the picture of the dependencies, one onsale through all roles, and what happens when servers go away.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod accounts;
mod audit;
mod cluster;
mod config;
mod dependencies;
mod documents;
mod drain;
mod kills;
mod outages;
mod outcomes;
mod path;
mod sessions;
mod stalls;
mod steered;
mod theatre;
mod world;
