//! Commands on their way to their lane's queues.

use goticket_contracts::{
    amqp::{CommandKind, Names},
    commands::CommandMessage,
};
use goticket_domain::{EventId, booking::Command, lane::LaneCount};
use goticket_platform::amqp::{PublishError, Publisher, persistent};

/// Publishes commands. Clones share one channel.
#[derive(Clone)]
pub struct CommandQueue {
    publisher: Publisher,
    exchange: String,
    lanes: LaneCount,
}

impl CommandQueue {
    /// Publishes under these names, to an installation of so many lanes.
    pub fn new(publisher: Publisher, names: &Names, lanes: LaneCount) -> Self {
        Self { publisher, exchange: names.commands_exchange(), lanes }
    }

    /// Puts a command about a booking of `event` on its lane's queue; it is accepted once this returns Ok.
    pub async fn send(&self, event: EventId, command: Command) -> Result<(), PublishError> {
        let id = command.booking().to_string();
        let properties = persistent().with_content_type("application/json".into()).with_message_id(id.into());
        let key = CommandKind::of(&command).routing_key(self.lanes.of(event));
        // Ids, numbers and short texts: it can always be written.
        let body = serde_json::to_vec(&CommandMessage { event, reply_to: None, command }).unwrap_or_default();
        self.publisher.publish(&self.exchange, &key, properties, body).await
    }
}
