//! The roles around the booking worker.

mod accepted;
mod expiry;
mod mail;
mod notifier;
mod payments;
mod relay;
mod remind;
mod thin_path;
mod together;
mod verification;
mod world;
