//! Tasks on RabbitMQ: JSON, persistent, AMQP `message-id` = the task's id. The notifier makes those of tickets from domain events, gateways
//! those that verify addresses and set passwords.

use goticket_domain::BookingId;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Routing key and queue name of PDF tasks.
pub const PDF: &str = "pdf";
/// Routing key and queue name of mail tasks.
pub const MAIL: &str = "mail";
/// Routing key and queue name of mails that verify an address.
pub const VERIFY: &str = "verify";
/// Routing key and queue name of mails by which a password is set.
pub const RESET: &str = "reset";
/// Every kind of task.
pub const KINDS: [&str; 4] = [PDF, MAIL, VERIFY, RESET];

/// Something to do, from the queue of its kind.
pub trait Task: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The same in every copy of the task.
    fn id(&self) -> Uuid;
    /// The same task, after one more attempt.
    #[must_use]
    fn again(&self) -> Self;
}

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

impl Task for TicketTask {
    fn id(&self) -> Uuid {
        self.notification
    }

    fn again(&self) -> Self {
        Self { attempts: self.attempts.saturating_add(1), ..self.clone() }
    }
}

/// Mail the link that proves that an address is its account's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct VerifyTask {
    /// Of this mail.
    pub id: Uuid,
    /// To whom.
    pub address: String,
    /// How they are called.
    pub name: String,
    /// Where the mail leads. A secret: whoever has it has read the mail.
    pub link: String,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// How long the link is good, in hours.
    pub good_for_h: u32,
    /// How often it was tried before.
    #[serde(default)]
    pub attempts: u32,
}

impl Task for VerifyTask {
    fn id(&self) -> Uuid {
        self.id
    }

    fn again(&self) -> Self {
        Self { attempts: self.attempts.saturating_add(1), ..self.clone() }
    }
}

/// Mail the link by which the holder of an address sets another password.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ResetTask {
    /// Of this mail.
    pub id: Uuid,
    /// To whom.
    pub address: String,
    /// How they are called, or whoever registered with their address is.
    pub name: String,
    /// Where the mail leads. A secret: whoever has it may set the password.
    pub link: String,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// How long the link is good, in minutes.
    pub good_for_min: u32,
    /// How often it was tried before.
    #[serde(default)]
    pub attempts: u32,
}

impl Task for ResetTask {
    fn id(&self) -> Uuid {
        self.id
    }

    fn again(&self) -> Self {
        Self { attempts: self.attempts.saturating_add(1), ..self.clone() }
    }
}
