//! Graceful shutdown: one token that everything watches, and a list of the tasks that must have ended.

use std::{
    collections::BTreeMap,
    fmt, io,
    panic::AssertUnwindSafe,
    process,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::FutureExt as _;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What a shell expects of a process that a second Ctrl-C ended.
const EXIT_INTERRUPTED: i32 = 130;

/// The process's (or a test's) end. Clones are the same one.
#[derive(Clone, Default)]
pub struct Shutdown {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    token: CancellationToken,
    tasks: TaskTracker,
    running: Mutex<BTreeMap<u64, String>>,
    next: AtomicU64,
    failure: Mutex<Option<ShutdownError>>,
}

/// Why a process must not exit with success.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShutdownError {
    /// A task that should have run until the end did not.
    #[error("task `{task}` {cause}")]
    Failed {
        /// The name it was spawned with.
        task: String,
        /// What it said, or that it panicked, or that it ended early.
        cause: String,
    },
    /// The deadline passed with work still in flight.
    #[error("still running at the deadline: {}", tasks.join(", "))]
    Undrained {
        /// The tasks' names.
        tasks: Vec<String>,
    },
}

impl Shutdown {
    /// A shutdown that only [`Self::trigger`] or a failing task begins: for tests and for parts of a process.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins on SIGTERM or SIGINT; a second signal ends the process at once. Needs a tokio runtime.
    pub fn on_signals() -> io::Result<Self> {
        let shutdown = Self::new();
        let mut term = signal(SignalKind::terminate())?;
        let mut int = signal(SignalKind::interrupt())?;
        let token = shutdown.token();
        tokio::spawn(async move {
            loop {
                let name = tokio::select! {
                    _ = term.recv() => "SIGTERM",
                    _ = int.recv() => "SIGINT",
                };
                if token.is_cancelled() {
                    tracing::warn!(signal = name, "second signal: exiting at once");
                    process::exit(EXIT_INTERRUPTED);
                }
                tracing::info!(signal = name, "shutting down: finishing what is in flight");
                token.cancel();
            }
        });
        Ok(shutdown)
    }

    /// Cancelled when the shutdown begins.
    pub fn token(&self) -> CancellationToken {
        self.inner.token.clone()
    }

    /// Begins the shutdown.
    pub fn trigger(&self) {
        self.inner.token.cancel();
    }

    /// Runs a task that should end only after the token was cancelled. If it panics or ends before, the shutdown begins and
    /// [`Self::drain`] reports it.
    pub fn spawn<F>(&self, name: impl Into<String>, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.spawn_fallible(name, async move {
            task.await;
            Ok::<(), fmt::Error>(())
        });
    }

    /// Like [`Self::spawn`] for a task with an error of its own, which also begins the shutdown.
    pub fn spawn_fallible<F, E>(&self, name: impl Into<String>, task: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        let name = name.into();
        let inner = Arc::clone(&self.inner);
        let id = inner.next.fetch_add(1, Ordering::Relaxed);
        inner.running.lock().unwrap_or_else(PoisonError::into_inner).insert(id, name.clone());
        self.inner.tasks.spawn(async move {
            let cause = match AssertUnwindSafe(task).catch_unwind().await {
                Ok(Ok(())) if inner.token.is_cancelled() => None,
                Ok(Ok(())) => Some("ended before it was asked to".to_owned()),
                Ok(Err(error)) => Some(format!("failed: {error:#}")),
                Err(_) => Some("panicked".to_owned()),
            };
            inner.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            if let Some(cause) = cause {
                tracing::error!(task = name, cause, "a task is gone: shutting down");
                let mut failure = inner.failure.lock().unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert(ShutdownError::Failed { task: name, cause });
                inner.token.cancel();
            }
        });
    }

    /// Begins the shutdown if it has not begun, waits until every task has ended or `deadline` has passed, and says whether
    /// all went well.
    pub async fn drain(&self, deadline: Duration) -> Result<(), ShutdownError> {
        self.trigger();
        self.inner.tasks.close();
        let drained = timeout(deadline, self.inner.tasks.wait()).await.is_ok();
        if let Some(failure) = self.inner.failure.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Err(failure);
        }
        if drained {
            return Ok(());
        }
        let running = self.inner.running.lock().unwrap_or_else(PoisonError::into_inner);
        Err(ShutdownError::Undrained { tasks: running.values().cloned().collect() })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use std::time::Duration;

    use super::{Shutdown, ShutdownError};

    const SOON: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn a_task_that_waits_for_the_token_drains() {
        let shutdown = Shutdown::new();
        let token = shutdown.token();
        shutdown.spawn("patient", async move { token.cancelled().await });
        assert_eq!(shutdown.drain(SOON).await, Ok(()));
    }

    #[tokio::test]
    async fn a_panic_an_error_and_an_early_end_each_begin_the_shutdown() {
        let failed = |cause: &str| Err(ShutdownError::Failed { task: "t".into(), cause: cause.into() });

        let shutdown = Shutdown::new();
        shutdown.spawn("t", async { panic!("on purpose") });
        shutdown.token().cancelled().await;
        assert_eq!(shutdown.drain(SOON).await, failed("panicked"));

        let shutdown = Shutdown::new();
        shutdown.spawn("t", async {});
        shutdown.token().cancelled().await;
        assert_eq!(shutdown.drain(SOON).await, failed("ended before it was asked to"));

        let shutdown = Shutdown::new();
        shutdown.spawn_fallible("t", async { Err("no disk") });
        shutdown.token().cancelled().await;
        assert_eq!(shutdown.drain(SOON).await, failed("failed: no disk"));
    }

    #[tokio::test]
    async fn what_still_runs_at_the_deadline_is_named() {
        let shutdown = Shutdown::new();
        shutdown.spawn("stubborn", std::future::pending());
        let outcome = shutdown.drain(Duration::from_millis(20)).await;
        assert_eq!(outcome, Err(ShutdownError::Undrained { tasks: vec!["stubborn".into()] }));
    }
}
