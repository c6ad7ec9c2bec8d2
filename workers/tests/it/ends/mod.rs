//! The roles around the booking worker.

mod thin_path;
mod world;
