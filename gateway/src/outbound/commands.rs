//! Commands for the booking worker, published with confirm on their section's queue.

use goticket_contracts::amqp::{Names, section_key};
use goticket_contracts::commands::{Action, Command};
use goticket_domain::{BookingId, EventId};
use goticket_platform::amqp::{PublishError, Publisher, persistent};

/// Why a command is not known to be in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SendError {
    /// It is in no queue.
    #[error("the broker did not take the command")]
    NotSent,
    /// It may be in the queue.
    #[error("the broker did not confirm the command")]
    Unknown,
}

/// The way to the section queues.
pub(crate) struct Commands {
    publisher: Publisher,
    exchange: String,
    /// This gateway's instance id: the worker makes the name of its reply channel of it.
    reply_to: String,
}

impl Commands {
    pub(crate) fn new(publisher: Publisher, prefix: &str, reply_to: String) -> Self {
        Self { publisher, exchange: Names::new(prefix).bookings_exchange(), reply_to }
    }

    /// Returns once the broker has the command. `wait`: somebody will be waiting here for the reply.
    pub(crate) async fn send(
        &self,
        event: EventId,
        section: u16,
        booking: BookingId,
        action: Action,
        wait: bool,
    ) -> Result<(), SendError> {
        let command = Command { event, section, reply_to: wait.then(|| self.reply_to.clone()), action };
        let body = serde_json::to_vec(&command).map_err(|_| SendError::NotSent)?;
        let properties = persistent().with_content_type("application/json".into()).with_message_id(booking.to_string().into());
        let sent = self.publisher.publish(&self.exchange, &section_key(event, section), properties, body).await;
        sent.map_err(|error| {
            metrics::counter!("gateway_publish_failed_total", "error" => format!("{error:?}")).increment(1);
            tracing::warn!(%booking, %error, "a command was not taken");
            match error {
                PublishError::Unknown => SendError::Unknown,
                PublishError::Unroutable | PublishError::Nacked | PublishError::Unavailable => SendError::NotSent,
            }
        })
    }
}
