//! Commands on their lane's queues: every change to a booking is one. JSON, `content-type: application/json`, persistent, with the
//! AMQP `message-id` set to the booking's id.

use goticket_domain::EventId;
use goticket_domain::booking::Command;
use serde::{Deserialize, Serialize};

/// Largest command, in bytes; anything bigger is dead-lettered unread.
pub const MAX_COMMAND_BYTES: usize = 16 * 1024;

/// One command, as it is sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CommandMessage {
    /// The event whose bookings it is about: its lane is the queue's.
    pub event: EventId,
    /// Who waits for the reply: a gateway's instance id, from which [`crate::redis_keys::reply_channel`] makes the channel's name.
    /// None if there is no waiting.
    pub reply_to: Option<String>,
    /// What to do.
    #[serde(flatten)]
    pub command: Command,
}
