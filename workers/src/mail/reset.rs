//! The mail with the link by which a password is set.

use askama::Template;
use jiff::Timestamp;
use lettre::Message;
use lettre::message::{Mailbox, MultiPart};
use uuid::Uuid;

use super::MailError;
use super::compose::{automatic, recipient};
use crate::one_line::one_line;

/// What is mailed to whoever asked for another password, or registered with an address that somebody has not shown to be theirs.
#[derive(Debug, Clone)]
pub struct ResetMail {
    /// Becomes the `Message-ID`.
    pub id: Uuid,
    /// Becomes the `Date`.
    pub sent_at: Timestamp,
    /// Whoever reads the mail of this address has it.
    pub to_address: String,
    /// As they wrote it, or somebody who gave their address: a stranger's words.
    pub to_name: String,
    /// Where it leads.
    pub link: String,
    /// How long it is good, in minutes.
    pub good_for_min: u32,
}

#[derive(Template)]
#[template(path = "mail/reset.txt")]
struct Plain<'a> {
    link: &'a str,
    minutes: u32,
}

#[derive(Template)]
#[template(path = "mail/reset.html")]
struct Html<'a> {
    link: &'a str,
    minutes: u32,
}

/// The name is in the header only: a stranger's words in the text would be a stranger's mail to anybody, in our name.
pub(super) fn compose(mail: &ResetMail, from: &Mailbox) -> Result<Message, MailError> {
    let unwritable = |error: askama::Error| MailError::permanent(format!("the letter can't be written: {error}"));
    let link = one_line(&mail.link);
    let plain = Plain { link: &link, minutes: mail.good_for_min }.render().map_err(unwritable)?;
    let html = Html { link: &link, minutes: mail.good_for_min }.render().map_err(unwritable)?;
    automatic(from, recipient(&mail.to_address, &mail.to_name)?, mail.id, mail.sent_at)
        .subject("Set another password")
        .multipart(MultiPart::alternative_plain_html(plain, html))
        .map_err(|error| MailError::permanent(format!("the mail can't be composed: {error}")))
}
