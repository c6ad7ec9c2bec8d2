//! Tasks on RabbitMQ, made by the notifier from domain events: JSON, persistent, AMQP `message-id` = notification id.

use goticket_domain::BookingId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Routing key and queue name of PDF tasks.
pub const PDF: &str = "pdf";
/// Routing key and queue name of mail tasks.
pub const MAIL: &str = "mail";
/// Every kind of task.
pub const KINDS: [&str; 2] = [PDF, MAIL];

/// Render a booking's tickets, or mail them: the queue says which.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TicketTask {
    /// The notification this belongs to.
    pub notification: Uuid,
    /// The confirmed booking.
    pub booking: BookingId,
    /// How often it was tried before.
    #[serde(default)]
    pub attempts: u32,
}
