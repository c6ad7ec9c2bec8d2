//! Commands for the owner of an event's lane, published with confirm on the lane's queues.

use goticket_contracts::amqp::{CommandKind, Names};
use goticket_contracts::commands::CommandMessage;
use goticket_domain::EventId;
use goticket_domain::booking::Command;
use goticket_domain::lane::LaneCount;
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

/// The way to the lanes' queues.
pub(crate) struct Commands {
    publisher: Publisher,
    exchange: String,
    lanes: LaneCount,
    /// This gateway's instance id: the worker makes the name of its reply channel of it.
    reply_to: String,
}

impl Commands {
    pub(crate) fn new(publisher: Publisher, names: &Names, lanes: LaneCount, reply_to: String) -> Self {
        Self { publisher, exchange: names.commands_exchange(), lanes, reply_to }
    }

    /// Returns once the broker has the command. `wait`: a request will be waiting here for the reply.
    pub(crate) async fn send(&self, event: EventId, command: Command, wait: bool) -> Result<(), SendError> {
        let booking = command.booking();
        let key = CommandKind::of(&command).routing_key(self.lanes.of(event));
        let message = CommandMessage { event, reply_to: wait.then(|| self.reply_to.clone()), command };
        let body = serde_json::to_vec(&message).map_err(|_| SendError::NotSent)?;
        let properties = persistent().with_content_type("application/json".into()).with_message_id(booking.to_string().into());
        let sent = self.publisher.publish(&self.exchange, &key, properties, body).await;
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
