//! Tokens and key folders as their users see them. Hostile tokens are forged here from raw parts, not with the crate's own signers.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod access;
mod entry;
mod folder;
mod forge;
mod hostile;
mod jwks;
mod place;
mod world;
