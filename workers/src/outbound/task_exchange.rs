//! Tasks on their way to RabbitMQ: persistent, and accepted only when confirmed.

use std::time::Duration;

use goticket_contracts::{
    amqp::{Names, RETRY_DELAYS_S},
    tasks::Task,
};
use goticket_platform::amqp::{PublishError, Publisher, persistent};

/// Publishes tasks. Clones share one channel.
#[derive(Clone)]
pub struct TaskExchange {
    publisher: Publisher,
    names: Names,
}

impl TaskExchange {
    /// Publishes under these names.
    pub fn new(publisher: Publisher, names: Names) -> Self {
        Self { publisher, names }
    }

    /// The names it publishes under.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// To the queue of its kind.
    pub async fn publish(&self, kind: &str, task: &impl Task) -> Result<(), PublishError> {
        self.send(&self.names.tasks_exchange(), kind, task).await
    }

    /// To the queue in which it waits for its next try: the first that waits as long as `after`, or the longest.
    pub async fn retry(&self, kind: &str, task: &impl Task, after: Duration) -> Result<(), PublishError> {
        let long_enough = |delay_s: &&u32| Duration::from_secs(u64::from(**delay_s)) >= after;
        let delay_s = RETRY_DELAYS_S.iter().find(long_enough).unwrap_or(&RETRY_DELAYS_S[RETRY_DELAYS_S.len() - 1]);
        self.send(&self.names.retry_exchange(), &Names::retry_key(kind, *delay_s), task).await
    }

    async fn send(&self, exchange: &str, key: &str, task: &impl Task) -> Result<(), PublishError> {
        // A struct of ids, texts and numbers.
        let body = serde_json::to_vec(task).unwrap_or_default();
        let id = task.id().to_string();
        let properties = persistent().with_content_type("application/json".into()).with_message_id(id.into());
        self.publisher.publish(exchange, key, properties, body).await
    }
}
