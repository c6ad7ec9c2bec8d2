//! `/healthz`, `/readyz` and `/metrics` of a process that plays worker roles.
//!
//! Nobody sends requests here: "not ready" holds back a roll-out and wakes an operator, it takes no worker out of service. What a role
//! waits out (Kafka, the mail server) is reported, but does not make the process unready.

use anyhow::Context as _;
use futures::FutureExt as _;
use goticket_platform::{
    health::{self, Check, Readiness, checks},
    http, metrics,
    shutdown::Shutdown,
};
use tokio::net::TcpListener;

use crate::{Config, mail::Mailer};

/// Serves the report on `workers.listen` until the shutdown.
pub(super) async fn serve(config: &Config, readiness: Readiness, shutdown: &Shutdown) -> anyhow::Result<()> {
    let listen = config.workers.listen;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("listen on `workers.listen` = {listen}"))?;
    tracing::info!(listen = %listener.local_addr()?, "the workers report their health");
    readiness.critical("serving", checks::not_draining(shutdown.token()));
    let router = health::router(readiness, metrics::install()?);
    let drain = config.shutdown.drain_ms.millis();
    shutdown.spawn_fallible("workers' health", http::serve(listener, router, shutdown.token(), drain));
    Ok(())
}

/// The mail server greets us, lets us in, and says good-bye.
pub(super) fn smtp(mailer: Mailer) -> Check {
    std::sync::Arc::new(move || {
        let mailer = mailer.clone();
        async move { mailer.greet().await.map_err(|error| error.to_string()) }.boxed()
    })
}
