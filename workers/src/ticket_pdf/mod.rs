//! Tickets on paper: one A4 page per ticket, with a code the doors can scan.
//!
//! The same input gives the same bytes: nothing here reads a clock or draws a random number, so a
//! ticket rendered again after a crash is the ticket that was sent before. Text is set in Inter
//! (Latin, Greek, Cyrillic, Vietnamese), subset into the file; a character the typeface lacks prints as an
//! empty box and never fails the ticket, because the code beside it is what admits.

mod canvas;
mod page;
mod palette;
mod qr;
mod typeface;
mod when;
mod wrap;

use std::fmt;

use goticket_domain::Money;
use jiff::Timestamp;
use krilla::Document;
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use uuid::Uuid;

use crate::one_line::one_line;
use typeface::Typefaces;
use when::When;

/// More tickets than any order may hold; beyond it a document takes long enough to delay its neighbours' mails.
pub const TICKETS_MAX: usize = 100;

/// What all tickets of an order share.
#[derive(Debug, Clone)]
pub struct TicketOrder {
    /// What the fan quotes when they write to the organizer.
    pub booking_reference: String,
    /// Chooses the colours: all tickets of an event look alike, two events rarely do.
    pub event_id: Uuid,
    /// Any length; long titles wrap and shrink.
    pub event_title: String,
    /// Name of the house.
    pub venue_name: String,
    /// Street and town, on one line.
    pub venue_address: Option<String>,
    /// When the doors open.
    pub doors_at: Option<Timestamp>,
    /// When the show begins.
    pub starts_at: Timestamp,
    /// IANA name of the venue's time zone (`Europe/Vienna`); the printed times are local there.
    pub time_zone: String,
    /// Who bought the tickets.
    pub holder_name: String,
    /// When the order was confirmed; also the creation date of the document.
    pub issued_at: Timestamp,
    /// The organizer's own small print, a paragraph each, after the house rules; what doesn't fit the page is left out.
    pub notes: Vec<String>,
}

/// One ticket, one page.
#[derive(Debug, Clone)]
pub struct TicketPage {
    /// Printed small below the code, for a human to type when the scanner is broken.
    pub ticket_id: Uuid,
    /// Section or area.
    pub section: String,
    /// None for general admission.
    pub row: Option<String>,
    /// None for general admission.
    pub seat: Option<String>,
    /// Price category.
    pub category: String,
    /// What this seat cost.
    pub price: Money,
    /// What the scanner reads, up to about 2,300 bytes; below 300 it scans well from paper.
    pub code: String,
}

/// Why there is no document. All of these are decided by the input: trying again changes nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PdfError {
    /// Neither an empty order nor one beyond [`TICKETS_MAX`] is a document.
    #[error("an order has 1 to {TICKETS_MAX} tickets, this one has {0}")]
    TicketCount(usize),
    /// The time zone isn't in the IANA database.
    #[error("no time zone is called {0:?}")]
    TimeZone(String),
    /// The code doesn't fit into the largest QR symbol.
    #[error("the code of ticket {ticket} doesn't fit a QR symbol: {reason}")]
    Code {
        /// Whose code it is.
        ticket: Uuid,
        /// What the encoder said.
        reason: String,
    },
    /// The writer refused what it was given.
    #[error("the document can't be written: {0}")]
    Write(String),
}

/// Renders the tickets of an order, a page each, in the order given.
///
/// Some milliseconds of pure CPU work: call it on a blocking thread.
pub fn render(order: &TicketOrder, tickets: &[TicketPage]) -> Result<Vec<u8>, PdfError> {
    if tickets.is_empty() || tickets.len() > TICKETS_MAX {
        return Err(PdfError::TicketCount(tickets.len()));
    }
    let typefaces = Typefaces::load().ok_or_else(|| write_error("the typeface can't be read"))?;
    let when = When::new(order)?;
    let size = PageSettings::from_wh(page::WIDTH, page::HEIGHT).ok_or_else(|| write_error("no page size"))?;

    let mut document = Document::new();
    document.set_metadata(metadata(order, &when));
    for (index, ticket) in tickets.iter().enumerate() {
        let code = qr::Symbol::encode(&ticket.code)
            .map_err(|error| PdfError::Code { ticket: ticket.ticket_id, reason: error.to_string() })?;
        let mut sheet = document.start_page_with(size.clone());
        let mut surface = sheet.surface();
        page::Page { order, ticket, when: &when, code: &code, number: index + 1, of: tickets.len() }
            .draw(&mut canvas::Canvas::new(&mut surface, &typefaces));
        surface.finish();
        sheet.finish();
    }
    document.finish().map_err(|error| write_error(&error))
}

fn write_error(reason: &(impl fmt::Display + ?Sized)) -> PdfError {
    PdfError::Write(reason.to_string())
}

fn metadata(order: &TicketOrder, when: &When) -> Metadata {
    Metadata::new()
        .title(format!("{} – {}", one_line(&order.event_title), when.date()))
        .description(format!("Booking {}", one_line(&order.booking_reference)))
        .creator("GoTicket".to_owned())
        .language("en".to_owned())
        .creation_date(when.issued_for_metadata())
}
