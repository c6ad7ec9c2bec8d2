//! What the mail says. The HTML template escapes everything that is put into it; the text one needs no escaping because
//! what is put into it is one line each.

use askama::Template;
use jiff::tz::TimeZone;

use super::{MailError, TicketMail};
use crate::one_line::one_line;

/// The facts, ready to be printed.
struct Letter {
    name: String,
    event: String,
    when: String,
    venue: String,
    reference: String,
    tickets: Vec<Item>,
    total: String,
}

struct Item {
    place: String,
    category: String,
    price: String,
}

#[derive(Template)]
#[template(path = "mail/ticket.txt")]
struct Plain<'a> {
    letter: &'a Letter,
}

#[derive(Template)]
#[template(path = "mail/ticket.html")]
struct Html<'a> {
    letter: &'a Letter,
}

/// The two renderings of one letter.
pub(super) struct Bodies {
    pub(super) subject: String,
    pub(super) plain: String,
    pub(super) html: String,
}

pub(super) fn write(mail: &TicketMail) -> Result<Bodies, MailError> {
    let letter = Letter::of(mail)?;
    let unwritable = |error: askama::Error| MailError::permanent(format!("the letter can't be written: {error}"));
    Ok(Bodies {
        plain: Plain { letter: &letter }.render().map_err(unwritable)?,
        html: Html { letter: &letter }.render().map_err(unwritable)?,
        subject: format!("Your tickets: {}", letter.event),
    })
}

impl Letter {
    fn of(mail: &TicketMail) -> Result<Self, MailError> {
        let zone = TimeZone::get(&mail.time_zone)
            .map_err(|_| MailError::permanent(format!("no time zone is called {:?}", mail.time_zone)))?;
        let item = |ticket: &super::TicketLine| Item {
            place: one_line(&ticket.place),
            category: one_line(&ticket.category),
            price: ticket.price.to_string(),
        };
        Ok(Self {
            name: one_line(&mail.to_name),
            event: one_line(&mail.event_title),
            when: mail.starts_at.to_zoned(zone).strftime("%A, %-d %B %Y, %H:%M %Z").to_string(),
            venue: one_line(&mail.venue),
            reference: one_line(&mail.booking_reference),
            tickets: mail.tickets.iter().map(item).collect(),
            total: mail.total.to_string(),
        })
    }
}
