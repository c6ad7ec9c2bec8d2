//! Redis.

use std::{fs, path::Path, process::Command};

use anyhow::Result;

use super::{Started, server::Server};
use crate::{addresses::Addresses, ports::free_port, ready};

/// Nothing on disk, and never an evicted key: a queue is not a cache.
pub(crate) const SETTINGS: [&str; 6] = ["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"];

pub(super) async fn start(stack_folder: &Path) -> Result<Started> {
    let folder = stack_folder.join("redis");
    fs::create_dir(&folder)?;
    let port = free_port();
    let mut redis = Command::new("redis-server");
    redis
        .current_dir(&folder)
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        // Its title would overwrite its environment, and with it the mark the keeper looks for.
        .args(["--set-proc-title", "no"])
        .args(SETTINGS);
    let url = format!("redis://127.0.0.1:{port}/");
    let process = Server::spawn("Redis", stack_folder, redis)?.ready(|| ready::redis(&url)).await?;
    Ok(Started { addresses: Addresses { redis_url: Some(url), ..Addresses::default() }, processes: vec![process] })
}
