//! From a confirmed booking to an RFC 5322 message.

use std::time::SystemTime;

use jiff::Timestamp;
use lettre::message::MessageBuilder;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart};
use lettre::{Address, Message};
use uuid::Uuid;

use super::{MailError, TicketMail, letter};
use crate::one_line::one_line;

/// The name that a client shows beside an address; longer ones are no names.
const NAME_CHARS_MAX: usize = 100;
/// A subject beyond this is shown by no client, and folds into many lines.
const SUBJECT_CHARS_MAX: usize = 180;

pub(super) fn compose(mail: &TicketMail, from: &Mailbox) -> Result<Message, MailError> {
    let bodies = letter::write(mail)?;
    let attachment = Attachment::new(file_name(&mail.booking_reference)).body(mail.pdf.clone(), pdf());
    let parts = MultiPart::mixed().multipart(MultiPart::alternative_plain_html(bodies.plain, bodies.html)).singlepart(attachment);
    automatic(from, recipient(&mail.to_address, &mail.to_name)?, mail.notification, mail.sent_at)
        .subject(cut(&bodies.subject, SUBJECT_CHARS_MAX))
        .multipart(parts)
        .map_err(|error| MailError::permanent(format!("the mail can't be composed: {error}")))
}

/// What all mails have that no person wrote.
pub(super) fn automatic(from: &Mailbox, to: Mailbox, id: Uuid, at: Timestamp) -> MessageBuilder {
    Message::builder()
        .from(from.clone())
        .to(to)
        .date(SystemTime::from(at))
        .message_id(Some(message_id(id, from)))
        // Keeps holiday notices from answering (RFC 3834).
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()))
}

pub(super) fn message_id(notification: Uuid, from: &Mailbox) -> String {
    format!("<{notification}@{}>", from.email.domain())
}

pub(super) fn recipient(address: &str, name: &str) -> Result<Mailbox, MailError> {
    let address: Address = address.parse().map_err(|error| MailError::permanent(format!("the address is malformed: {error}")))?;
    let name = cut(&one_line(name), NAME_CHARS_MAX);
    Ok(Mailbox::new((!name.is_empty()).then_some(name), address))
}

/// Letters, digits and dashes of the reference, as a name every file system takes.
fn file_name(reference: &str) -> String {
    let safe: String = reference.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect();
    if safe.is_empty() { "tickets.pdf".to_owned() } else { format!("tickets-{safe}.pdf") }
}

#[expect(clippy::expect_used, reason = "a constant")]
fn pdf() -> ContentType {
    ContentType::parse("application/pdf").expect("a media type")
}

fn cut(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).collect()
}
