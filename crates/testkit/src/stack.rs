//! The servers of one process: found, or started, and ended.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};
use tokio::sync::OnceCell;

use crate::{
    addresses::{Addresses, FOLDER},
    docker,
    keeper::{self, Keeper},
    local,
    mailbox::Mailbox,
    source::{Source, variable},
};

/// What a started PostgreSQL does with a commit. Says nothing about servers that are named by the
/// environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// On disk before it is acknowledged, as in production: for the demo and for benchmarks.
    Durable,
    /// Survives the death of a process, not of the machine (`fsync=off`): for tests.
    Fast,
}

/// Addresses of running servers; see the crate's documentation for where they come from.
///
/// Dropping it, or the end of the process in any way, ends what it started.
#[derive(Debug)]
pub struct Stack {
    pub(crate) addresses: Addresses,
    folder: PathBuf,
    keeper: Option<Keeper>,
    pub(crate) processes: Vec<local::Process>,
}

impl Stack {
    /// The one stack of this process, started by the first call.
    pub async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<Stack> = OnceCell::const_new();
        SHARED.get_or_try_init(|| Self::start(Durability::Fast)).await
    }

    /// A stack of one's own: starts whatever the environment does not name.
    pub async fn start(durability: Durability) -> Result<Self> {
        let named = Addresses::from_environment()?;
        if named.is_complete()
            && let Some(folder) = variable(FOLDER)
        {
            return Ok(Self { addresses: named, folder: folder.into(), keeper: None, processes: Vec::new() });
        }
        let source = match Source::choose() {
            _ if named.is_complete() => Source::Environment,
            source => source,
        };
        let keeper = Keeper::new(source == Source::Docker)?;
        let folder = keeper.folder().to_owned();
        let started = match source {
            Source::Environment => local::Started::default(),
            Source::Docker => {
                local::Started { addresses: Box::pin(docker::start(&named, &folder, durability)).await?, processes: Vec::new() }
            }
            Source::Local => Box::pin(local::start(&named, &folder, durability)).await?,
        };
        Ok(Self { addresses: named.or(started.addresses), folder, keeper: Some(keeper), processes: started.processes })
    }

    /// The servers of the shared stack, but a RabbitMQ that is this stack's own process: a test may kill it, while others use the
    /// shared one. `None` where RabbitMQ is not installed, as where all servers are containers.
    pub async fn with_own_broker() -> Result<Option<Self>> {
        if !local::has_rabbitmq() {
            return Ok(None);
        }
        let shared = Self::shared().await?;
        let keeper = Keeper::new(false)?;
        let folder = keeper.folder().to_owned();
        let broker = local::start_rabbitmq(&folder).await?;
        let addresses = broker.addresses.or(shared.addresses.clone());
        Ok(Some(Self { addresses, folder, keeper: Some(keeper), processes: broker.processes }))
    }

    /// The variables (`GOTICKET_TEST_*`) that let a child process use this stack as its own.
    pub fn env(&self) -> Vec<(String, String)> {
        let mut variables = self.addresses.to_environment();
        variables.push((FOLDER.into(), self.folder.display().to_string()));
        variables
    }

    /// Makes the process that `command` will start end with the stack, and all its descendants,
    /// even when the owner of the stack is killed.
    pub fn adopt(&self, command: &mut Command) {
        if let Some(folder) = self.mark() {
            keeper::mark(command, &folder);
        }
    }

    /// What processes are marked with, where this process keeps the stack.
    pub(crate) fn mark(&self) -> Option<PathBuf> {
        self.keeper.is_some().then(|| self.folder.clone())
    }

    /// A folder that ends with the stack.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// All mails of the stack's mail server.
    pub fn mailbox(&self) -> Result<Mailbox> {
        let url =
            self.addresses.mailbox_url.clone().context("GOTICKET_TEST_MAILBOX_URL does not name the API of the mail server")?;
        Ok(Mailbox::new(url, None))
    }

    /// Ends what was started and returns when it is gone.
    pub async fn stop(mut self) -> Result<()> {
        let Some(keeper) = self.keeper.take() else {
            return Ok(());
        };
        let mut processes = std::mem::take(&mut self.processes);
        tokio::task::spawn_blocking(move || {
            let finished = keeper.finish();
            processes.iter_mut().for_each(local::Process::reap);
            finished
        })
        .await?
    }
}
