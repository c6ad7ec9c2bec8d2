//! Commands on their way to their section's queue.

use goticket_contracts::{
    amqp::{Names, section_key},
    commands::Command,
};
use goticket_domain::BookingId;
use goticket_platform::amqp::{PublishError, Publisher, persistent};

/// Publishes commands. Clones share one channel.
#[derive(Clone)]
pub struct CommandQueue {
    publisher: Publisher,
    exchange: String,
}

impl CommandQueue {
    /// Publishes under these names.
    pub fn new(publisher: Publisher, names: &Names) -> Self {
        Self { publisher, exchange: names.bookings_exchange() }
    }

    /// Puts a command about `booking` on its section's queue; it is accepted once this returns Ok.
    pub async fn send(&self, booking: BookingId, command: &Command) -> Result<(), PublishError> {
        let properties = persistent().with_content_type("application/json".into()).with_message_id(booking.to_string().into());
        // Ids, numbers and short texts: it can always be written.
        let body = serde_json::to_vec(command).unwrap_or_default();
        self.publisher.publish(&self.exchange, &section_key(command.event, command.section), properties, body).await
    }
}
