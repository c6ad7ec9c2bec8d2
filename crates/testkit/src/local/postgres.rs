//! PostgreSQL. It refuses to run as root, so as root it runs as `postgres` or `nobody`.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::Path,
    process::Command,
};

use anyhow::{Context as _, Result};
use nix::unistd::{User, chown};

use super::{
    Started,
    server::{Server, run},
};
use crate::{
    addresses::Addresses,
    cache::{Cache, is_root},
    ports::free_port,
    ready,
    stack::Durability,
};

/// Every test has pools of its own, and tests run side by side.
pub(crate) const MAX_CONNECTIONS: &str = "max_connections=400";

pub(super) async fn start(cache: &Cache, stack_folder: &Path, durability: Durability) -> Result<Started> {
    let user = if is_root() { Some(unprivileged()?) } else { None };
    let data = stack_folder.join("postgres");
    fs::create_dir(&data)?;
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700))?;
    if let Some(user) = &user {
        chown(&data, Some(user.uid), Some(user.gid))?;
    }
    let program = |name: &str| {
        let mut command = Command::new(cache.postgres().join("bin").join(name));
        command.current_dir(&data);
        if let Some(user) = &user {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        command
    };

    let mut initdb = program("initdb");
    initdb
        .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"])
        .args(["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"])
        .arg("--pgdata")
        .arg(&data);
    run("PostgreSQL", stack_folder, initdb).await?;

    let port = free_port();
    let mut postgres = program("postgres");
    postgres.arg("-D").arg(&data).args(["-p", &port.to_string()]);
    let settings = ["listen_addresses=127.0.0.1", "unix_socket_directories="];
    for setting in settings.into_iter().chain(settings_for(durability)) {
        postgres.args(["-c", setting]);
    }
    let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
    let process = Server::spawn("PostgreSQL", stack_folder, postgres)?.ready(|| ready::postgres(&url)).await?;
    Ok(Started { addresses: Addresses { postgres_url: Some(url), ..Addresses::default() }, processes: vec![process] })
}

/// The settings that do not depend on where it runs.
pub(crate) fn settings_for(durability: Durability) -> impl Iterator<Item = &'static str> {
    let fast: &[&str] = match durability {
        Durability::Durable => &[],
        Durability::Fast => &["fsync=off", "full_page_writes=off"],
    };
    [MAX_CONNECTIONS, "shared_buffers=256MB"].into_iter().chain(fast.iter().copied())
}

fn unprivileged() -> Result<User> {
    for name in ["postgres", "nobody"] {
        if let Some(user) = User::from_name(name)? {
            return Ok(user);
        }
    }
    None.context("PostgreSQL refuses to run as root, and there is neither a user `postgres` nor `nobody`")
}
