//! Delivers webhooks: signed, a bounded number at a time, again and again until the receiver took it or the time is over.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rand::Rng as _;
use reqwest::header::CONTENT_TYPE;
use secrecy::SecretString;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use super::config::SandboxConfig;
use super::payment::Event;
use super::signature;

/// Clones are the same postman.
#[derive(Clone)]
pub(super) struct Postman(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    secrets: Vec<SecretString>,
    clock: fn() -> Timestamp,
    queue: Arc<Semaphore>,
    speaking: Semaphore,
    first_retry: Duration,
    retry_max: Duration,
    give_up: Duration,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// Room in the queue for some deliveries. Asked for before a payment is taken, so that no payment is without its webhook.
pub(super) struct Room(OwnedSemaphorePermit);

/// One event on its way to one receiver.
struct Delivery {
    to: Url,
    event: Event,
    _room: OwnedSemaphorePermit,
}

impl Postman {
    pub(super) fn new(config: &SandboxConfig, clock: fn() -> Timestamp, stop: CancellationToken) -> reqwest::Result<Self> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(config.webhook_timeout_ms.millis())
            .build()?;
        let secrets = [Some(config.webhook_secret.clone()), config.webhook_secret_previous.clone()];
        Ok(Self(Arc::new(Inner {
            http,
            secrets: secrets.into_iter().flatten().collect(),
            clock,
            queue: Arc::new(Semaphore::new(config.webhook_queue.get() as usize)),
            speaking: Semaphore::new(config.webhook_concurrency.get() as usize),
            first_retry: config.webhook_first_retry_ms.millis(),
            retry_max: config.webhook_retry_max_ms.millis(),
            give_up: config.webhook_give_up_s.secs(),
            tasks: TaskTracker::new(),
            stop,
        })))
    }

    /// None when the queue has no room for so many.
    pub(super) fn reserve(&self, deliveries: u32) -> Option<Room> {
        Arc::clone(&self.0.queue).try_acquire_many_owned(deliveries).ok().map(Room)
    }

    /// Delivers `event` as often as there is room for, all at once, after `delay`.
    pub(super) fn deliver(&self, room: Room, to: &Url, event: &Event, delay: Duration) {
        let Room(mut room) = room;
        while let Some(one) = room.split(1) {
            let delivery = Delivery { to: to.clone(), event: event.clone(), _room: one };
            let inner = Arc::clone(&self.0);
            self.0.tasks.spawn(async move {
                tokio::select! {
                    () = inner.stop.cancelled() => {}
                    () = inner.carry(delivery, delay) => {}
                }
            });
        }
    }

    /// When all deliveries have ended: they do when the sandbox is told to stop.
    pub(super) async fn ended(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}

impl Inner {
    async fn carry(&self, delivery: Delivery, delay: Duration) {
        sleep(delay).await;
        let begun = Instant::now();
        let mut pause = self.first_retry;
        loop {
            let Err(failure) = self.attempt(&delivery).await else {
                metrics::counter!("sandbox_webhooks_total", "outcome" => "delivered").increment(1);
                return;
            };
            if begun.elapsed() + pause > self.give_up {
                metrics::counter!("sandbox_webhooks_total", "outcome" => "given_up").increment(1);
                tracing::warn!(event = delivery.event.id, failure, "giving up on a webhook");
                return;
            }
            metrics::counter!("sandbox_webhooks_total", "outcome" => "retried").increment(1);
            tracing::debug!(event = delivery.event.id, failure, ?pause, "a webhook will be tried again");
            // A receiver that comes back is not met by everyone at the same moment.
            let scatter = rand::rng().random_range(0.8..1.2);
            sleep(pause.mul_f64(scatter)).await;
            pause = (pause * 2).min(self.retry_max);
        }
    }

    async fn attempt(&self, delivery: &Delivery) -> Result<(), String> {
        let _turn = self.speaking.acquire().await.map_err(|closed| closed.to_string())?;
        let body = &delivery.event.body;
        let signature = signature::sign(&self.secrets, (self.clock)(), body);
        let answer = self
            .http
            .post(delivery.to.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(signature::HEADER, signature)
            .body(body.clone())
            .send()
            .await
            .map_err(|error| error.without_url().to_string())?;
        if answer.status().is_success() { Ok(()) } else { Err(format!("answered {}", answer.status())) }
    }
}
