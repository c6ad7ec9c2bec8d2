//! The mail that brings the tickets: plain text, HTML, the PDF. And those with a link: that verifies an address, by which a password is set.
//!
//! The same notification always has the same `Message-ID`, so that a mail sent again, because nobody
//! knows whether the first one arrived, can be recognised as the same. Names and titles come from
//! strangers: no header and no line of HTML can be added by one.

mod compose;
mod connections;
mod letter;
mod refusal;
mod reset;
mod send;
mod verification;

use goticket_domain::Money;
use jiff::Timestamp;
use uuid::Uuid;

pub use refusal::MailError;
pub use reset::ResetMail;
pub use send::Mailer;
pub use verification::VerificationMail;

/// A confirmed booking, as its holder is told about it.
#[derive(Debug, Clone)]
pub struct TicketMail {
    /// Becomes `Message-ID: <notification@domain of the sender>`.
    pub notification: Uuid,
    /// Becomes the `Date`.
    pub sent_at: Timestamp,
    /// The holder's address; a malformed one is a permanent error.
    pub to_address: String,
    /// The holder's name, as they wrote it.
    pub to_name: String,
    /// What they quote when they write to the organizer.
    pub booking_reference: String,
    /// The event.
    pub event_title: String,
    /// The house, with its address if there is one.
    pub venue: String,
    /// When the show begins.
    pub starts_at: Timestamp,
    /// IANA name of the venue's time zone.
    pub time_zone: String,
    /// What was bought, a line each.
    pub tickets: Vec<TicketLine>,
    /// What was paid.
    pub total: Money,
    /// The tickets, attached.
    pub pdf: Vec<u8>,
}

/// One ticket in the mail's list.
#[derive(Debug, Clone)]
pub struct TicketLine {
    /// Section, row and seat in words: `Stalls, row F, seat 12`.
    pub place: String,
    /// Price category.
    pub category: String,
    /// What it cost.
    pub price: Money,
}
