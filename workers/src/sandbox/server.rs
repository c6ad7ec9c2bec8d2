//! The service: what its endpoints share, its routes, and its life from bind to drain.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::config::SandboxConfig;
use super::http::{create, limits, page, pay, refund, show};
use super::ledger::Ledger;
use super::postman::Postman;

/// How long webhooks that are being spoken may take to end after the stop.
const DRAIN: Duration = Duration::from_secs(5);

/// What the endpoints share. Clones are the same sandbox.
#[derive(Clone)]
pub struct Sandbox(Arc<Inner>);

struct Inner {
    config: SandboxConfig,
    ledger: Mutex<Ledger>,
    postman: Postman,
    clock: fn() -> Timestamp,
}

impl Sandbox {
    /// An empty till. Refuses empty secrets. Deliveries end when `stop` is cancelled.
    pub fn new(config: SandboxConfig, clock: fn() -> Timestamp, stop: CancellationToken) -> anyhow::Result<Self> {
        for (name, secret) in [("api_key", &config.api_key), ("webhook_secret", &config.webhook_secret)] {
            anyhow::ensure!(!secret.expose_secret().is_empty(), "sandbox.{name} must not be empty: it keeps strangers out");
        }
        let postman = Postman::new(&config, clock, stop).context("the webhooks' HTTP client")?;
        let ledger = Mutex::new(Ledger::new(config.payments_max.get() as usize));
        Ok(Self(Arc::new(Inner { config, ledger, postman, clock })))
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn postman(&self) -> &Postman {
        &self.0.postman
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.0.clock)()
    }

    pub(super) fn api_key(&self) -> &SecretString {
        &self.0.config.api_key
    }

    pub(super) fn public_url(&self) -> &Url {
        &self.0.config.public_url
    }

    pub(super) fn late_webhook(&self) -> Duration {
        self.0.config.late_webhook_ms.millis()
    }
}

/// Every route of the sandbox.
pub fn router(sandbox: Sandbox) -> Router {
    let limit = sandbox.0.config.request_timeout_ms.millis();
    Router::new()
        .route("/v1/payments", post(create::create))
        .route("/v1/payments/{id}", get(show::show))
        .route("/v1/payments/{id}/refunds", post(refund::refund))
        .route("/pay/{id}", get(page::page).post(pay::pay))
        .route("/assets/pay.css", get(page::style))
        .route("/healthz", get(async || "ok"))
        .fallback(limits::not_found)
        .method_not_allowed_fallback(limits::method_not_allowed)
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES_MAX))
        .layer(from_fn_with_state(limit, limits::time_out))
        .with_state(sandbox)
}

/// Binds, and serves until `shutdown`.
pub async fn run(config: SandboxConfig, shutdown: CancellationToken) -> anyhow::Result<()> {
    let listener = TcpListener::bind(config.listen).await.with_context(|| format!("sandbox.listen = {}", config.listen))?;
    serve(listener, config, shutdown).await
}

/// Serves on a listener that is bound already. On shutdown, requests in flight are answered; webhooks that wait are
/// forgotten with everything else.
#[expect(clippy::disallowed_methods, reason = "the sandbox's composition root: its clock is the machine's")]
pub async fn serve(listener: TcpListener, config: SandboxConfig, shutdown: CancellationToken) -> anyhow::Result<()> {
    tracing::info!(url = %config.public_url, "the sandbox payment provider is open");
    let sandbox = Sandbox::new(config, Timestamp::now, shutdown.clone())?;
    axum::serve(listener, router(sandbox.clone())).with_graceful_shutdown(shutdown.cancelled_owned()).await?;
    if tokio::time::timeout(DRAIN, sandbox.postman().ended()).await.is_err() {
        tracing::warn!("some webhooks did not end in time");
    }
    Ok(())
}
