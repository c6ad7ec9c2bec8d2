//! Mails with links on their way to whoever sends them: that verify an address, by which a password is set.

use std::time::Duration;

use goticket_contracts::amqp::Names;
use goticket_contracts::tasks::{self, ResetTask, Task, VerifyTask};
use goticket_platform::amqp::{Publisher, persistent};

use crate::fault::Fault;

/// A broker that takes longer is away: whoever registers does not wait for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// The way to the queues of such mails.
pub(crate) struct Verifications {
    publisher: Publisher,
    exchange: String,
}

impl Verifications {
    pub(crate) fn new(publisher: Publisher, names: &Names) -> Self {
        Self { publisher, exchange: names.tasks_exchange() }
    }

    /// Returns once the broker has the task.
    pub(crate) async fn send(&self, task: &VerifyTask) -> Result<(), Fault> {
        let sent = self.publish(tasks::VERIFY, task).await;
        if sent.is_err() {
            metrics::counter!("gateway_verifications_unsent_total").increment(1);
        }
        sent
    }

    /// The same.
    pub(crate) async fn send_reset(&self, task: &ResetTask) -> Result<(), Fault> {
        self.publish(tasks::RESET, task).await
    }

    async fn publish<T: Task>(&self, kind: &str, task: &T) -> Result<(), Fault> {
        let body = serde_json::to_vec(task).map_err(|error| Fault::Bug(error.to_string()))?;
        let properties = persistent().with_content_type("application/json".into()).with_message_id(task.id().to_string().into());
        let sent = tokio::time::timeout(PATIENCE, self.publisher.publish(&self.exchange, kind, properties, body)).await;
        let cause = match sent {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no confirmation in time".to_owned(),
        };
        Err(Fault::Unavailable { what: "the message broker", cause })
    }
}
