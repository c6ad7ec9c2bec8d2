//! Lost tasks: RabbitMQ may lose one on its way from a waiting queue to the next try, and drops one whose workers died of it too
//! often. The notification's row remembers; the task that would bring it further is published again.
//!
//! A task that only waits in a long queue looks the same, and gets a copy. Copies are harmless: printing again gives the same
//! documents, and whoever does not get the claim on a mail, or finds it sent, sends none. Given up is given up: a failed
//! notification gets no task.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use goticket_contracts::tasks::{self, TicketTask};
use goticket_platform::amqp::PublishError;
use goticket_storage::{
    StorageError, answered,
    notifications::{self, NotificationState, Stale},
};
use jiff::SignedDuration;
use sqlx::PgPool;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{config::NotifierConfig, outbound::task_exchange::TaskExchange};

/// Tasks waiting for their confirm at a time.
const IN_FLIGHT: usize = 64;

/// Why a look ended early. What it had taken is met again when it is stale again.
#[derive(Debug, thiserror::Error)]
pub enum RemindError {
    /// The notifications could not be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A task was not accepted, or may have been.
    #[error("a task cannot be published: {0}")]
    Publish(#[from] PublishError),
}

/// Publishes lost tasks again.
pub struct Remind {
    pool: PgPool,
    tasks: TaskExchange,
    config: NotifierConfig,
}

impl Remind {
    /// Connects to nothing by itself.
    pub fn new(pool: PgPool, tasks: TaskExchange, config: NotifierConfig) -> Self {
        Self { pool, tasks, config }
    }

    /// Publishes the next task of notifications that nobody works on any more, and returns how many.
    pub async fn run_once(&self) -> Result<usize, RemindError> {
        let stale_after = SignedDuration::try_from(self.config.stale_after_s.secs()).unwrap_or(SignedDuration::MAX);
        let stale = answered(notifications::take_stale(&self.pool, stale_after, self.config.sweep_batch_max.get())).await?;
        stream::iter(stale.iter().copied())
            .map(|lost| self.publish(lost))
            .buffer_unordered(IN_FLIGHT)
            .try_collect::<()>()
            .await?;
        metrics::counter!("goticket_notifier_reminders_total").increment(stale.len() as u64);
        Ok(stale.len())
    }

    async fn publish(&self, lost: Stale) -> Result<(), PublishError> {
        let kind = if lost.state == NotificationState::Pending { tasks::PDF } else { tasks::MAIL };
        let task = TicketTask { notification: lost.id, booking: lost.booking, attempts: 0 };
        self.tasks.publish(kind, &task).await
    }

    /// Until `stop`. A look that found as many as it may is followed by a pause, too: see `sweep_batch_max`.
    pub async fn run(self, stop: CancellationToken) {
        let pause: Duration = self.config.sweep_pause_ms.millis();
        while stop.run_until_cancelled(sleep(pause)).await.is_some() {
            match self.run_once().await {
                Ok(0) => {}
                Ok(lost) => tracing::warn!(lost, "notifier: tasks that were lost, or wait for very long, are published again"),
                Err(error) => tracing::warn!(%error, "notifier: looking for lost tasks again later"),
            }
        }
    }
}
