//! The registry of dependencies, checked together and not more than once a second.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::future::{BoxFuture, join_all};
use serde::Serialize;
use tokio::time::timeout;

/// Asks one dependency for a sign of life. An error is a short text for an operator, without secrets.
pub type Check = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// A report is as old as this at most: probes and balancers ask often.
const REPORT_AGE_MAX: Duration = Duration::from_secs(1);

/// A dependency that has not answered after this is missing.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// An error's text is cut here.
const ERROR_CHARS_MAX: usize = 200;

/// Whether the process can work without a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Criticality {
    /// Without it the process is not ready.
    Critical,
    /// Reported, but the process stays ready: Kafka away does not stop sales.
    Optional,
}

/// What the process depends on. Clones share the registry.
#[derive(Clone, Default)]
pub struct Readiness {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    dependencies: Mutex<BTreeMap<String, Dependency>>,
    last: tokio::sync::Mutex<Option<(Instant, ReadinessReport)>>,
}

#[derive(Clone)]
struct Dependency {
    criticality: Criticality,
    check: Check,
    /// The last known state and since when, for `since_ms`.
    state: Option<(bool, Instant)>,
}

/// What `/readyz` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReadinessReport {
    /// Every critical dependency is there.
    pub ready: bool,
    /// Each dependency by name.
    pub dependencies: BTreeMap<String, DependencyStatus>,
}

/// One dependency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DependencyStatus {
    /// It answered.
    pub ok: bool,
    /// Whether readiness needs it.
    pub criticality: Criticality,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// For how long it has been in this state, in milliseconds.
    pub since_ms: u64,
}

impl Readiness {
    /// Nothing registered: ready.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a dependency without which the process is not ready. A second one of the same name replaces the first.
    pub fn critical(&self, name: impl Into<String>, check: Check) {
        self.add(name.into(), Criticality::Critical, check);
    }

    /// Registers a dependency that is only reported.
    pub fn optional(&self, name: impl Into<String>, check: Check) {
        self.add(name.into(), Criticality::Optional, check);
    }

    fn add(&self, name: String, criticality: Criticality, check: Check) {
        let mut dependencies = self.inner.dependencies.lock().unwrap_or_else(PoisonError::into_inner);
        dependencies.insert(name, Dependency { criticality, check, state: None });
    }

    /// Checks everything at once, or returns the last report if it is fresh. Callers at the same time share one round.
    pub async fn report(&self) -> ReadinessReport {
        let mut last = self.inner.last.lock().await;
        if let Some((at, report)) = last.as_ref().filter(|(at, _)| at.elapsed() < REPORT_AGE_MAX) {
            let _ = at;
            return report.clone();
        }
        let report = self.check().await;
        *last = Some((Instant::now(), report.clone()));
        report
    }

    async fn check(&self) -> ReadinessReport {
        let dependencies = self.inner.dependencies.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let checks = dependencies.iter().map(|(name, dependency)| async move {
            let result = timeout(CHECK_TIMEOUT, (dependency.check)()).await;
            (name.clone(), result.unwrap_or_else(|_| Err(format!("no answer within {} ms", CHECK_TIMEOUT.as_millis()))))
        });
        let results = join_all(checks).await;
        let mut report = ReadinessReport { ready: true, dependencies: BTreeMap::new() };
        for (name, result) in results {
            let Some((criticality, since)) = self.note(&name, result.is_ok()) else { continue };
            let status = DependencyStatus {
                ok: result.is_ok(),
                criticality,
                error: result.err().map(|error| error.chars().take(ERROR_CHARS_MAX).collect()),
                since_ms: u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX),
            };
            report.ready &= status.ok || criticality == Criticality::Optional;
            report.dependencies.insert(name, status);
        }
        report
    }

    /// Remembers a dependency's state and returns since when it has had it.
    fn note(&self, name: &str, ok: bool) -> Option<(Criticality, Instant)> {
        let mut dependencies = self.inner.dependencies.lock().unwrap_or_else(PoisonError::into_inner);
        let dependency = dependencies.get_mut(name)?;
        let since = match dependency.state {
            Some((was, since)) if was == ok => since,
            was => {
                match (was, ok) {
                    (_, false) => tracing::warn!(dependency = name, "dependency is missing"),
                    (Some(_), true) => tracing::info!(dependency = name, "dependency is back"),
                    (None, true) => {}
                }
                Instant::now()
            }
        };
        dependency.state = Some((ok, since));
        Some((dependency.criticality, since))
    }
}
