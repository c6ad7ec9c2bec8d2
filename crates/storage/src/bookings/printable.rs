//! A confirmed booking as its tickets and its mail say it.

use goticket_domain::booking::BookingState;
use goticket_domain::{BookingId, EventId, Money, TicketId};
use jiff::Timestamp;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use crate::StorageError;

/// One booking with everything that is printed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Printable {
    /// Which booking.
    pub booking: BookingId,
    /// Where it stands: only a confirmed one has tickets that count.
    pub state: BookingState,
    /// What it is for.
    pub event: EventId,
    /// The event's title.
    pub title: String,
    /// When it begins.
    pub starts_at: Timestamp,
    /// The venue's name.
    pub venue: String,
    /// The venue's IANA time zone.
    pub time_zone: String,
    /// The holder's name.
    pub holder: String,
    /// The holder's address.
    pub email: String,
    /// What all seats cost.
    pub total: Money,
    /// When the tickets were issued; of a booking without any, when it was held.
    pub issued_at: Timestamp,
    /// Its tickets by seat.
    pub tickets: Vec<PrintableTicket>,
}

/// One ticket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PrintableTicket {
    /// Which.
    pub id: TicketId,
    /// The section's name.
    pub section: String,
    /// The row's name; None for a standing place.
    pub row: Option<String>,
    /// The seat's number; None for a standing place.
    pub number: Option<String>,
    /// The category's name.
    pub category: String,
    /// What this seat cost.
    pub price: Money,
    /// What the QR code carries.
    pub code: String,
}

#[derive(FromRow)]
struct Head {
    state: String,
    event: Uuid,
    title: String,
    starts_at: jiff_sqlx::Timestamp,
    venue: String,
    time_zone: String,
    holder: String,
    email: String,
    total_minor: i64,
    currency: String,
    issued_at: jiff_sqlx::Timestamp,
}

#[derive(FromRow)]
struct Place {
    id: Uuid,
    section: String,
    kind: String,
    row_label: String,
    number: String,
    category: String,
    price_minor: i64,
    code: String,
}

/// Reads a booking by primary keys throughout; None where there is none.
pub async fn printable(pool: &PgPool, booking: BookingId) -> Result<Option<Printable>, StorageError> {
    let head: Option<Head> = sqlx::query_as(
        "SELECT b.state, b.event, e.title, e.starts_at, v.name AS venue, v.time_zone, a.name AS holder, a.email,
                b.total_minor, b.currency,
                coalesce((SELECT min(issued_at) FROM tickets WHERE booking = b.id), b.decided_at) AS issued_at
         FROM bookings b
         JOIN events e ON e.id = b.event
         JOIN venues v ON v.id = e.venue
         JOIN accounts a ON a.id = b.account
         WHERE b.id = $1",
    )
    .bind(booking.0)
    .fetch_optional(pool)
    .await?;
    let Some(head) = head else { return Ok(None) };
    let places: Vec<Place> = sqlx::query_as(
        "SELECT t.id, es.name AS section, es.kind, s.row_label, s.number, c.name AS category,
                b.prices[array_position(b.seats, t.seat)] AS price_minor, t.code
         FROM tickets t
         JOIN bookings b ON b.id = t.booking
         JOIN seats s ON s.event = t.event AND s.no = t.seat
         JOIN event_sections es ON es.event = t.event AND es.no = s.section
         JOIN event_categories c ON c.event = t.event AND c.no = s.category
         WHERE t.booking = $1
         ORDER BY t.seat",
    )
    .bind(booking.0)
    .fetch_all(pool)
    .await?;
    assemble(booking, head, places).map(Some)
}

fn assemble(booking: BookingId, head: Head, places: Vec<Place>) -> Result<Printable, StorageError> {
    let unknown = || StorageError::Unexpected(format!("booking {booking} has an unknown currency"));
    let currency = iso_currency::Currency::from_code(&head.currency).ok_or_else(unknown)?;
    let money = |amount_minor| Money { amount_minor, currency };
    let ticket = |place: Place| {
        let seated = place.kind == "seated";
        PrintableTicket {
            id: TicketId(place.id),
            section: place.section,
            row: seated.then_some(place.row_label),
            number: seated.then_some(place.number),
            category: place.category,
            price: money(place.price_minor),
            code: place.code,
        }
    };
    Ok(Printable {
        booking,
        state: head.state.parse().map_err(StorageError::Unexpected)?,
        event: EventId(head.event),
        title: head.title,
        starts_at: head.starts_at.to_jiff(),
        venue: head.venue,
        time_zone: head.time_zone,
        holder: head.holder,
        email: head.email,
        total: money(head.total_minor),
        issued_at: head.issued_at.to_jiff(),
        tickets: places.into_iter().map(ticket).collect(),
    })
}
