//! Keys in the object folder, relative to its root.

use goticket_domain::{BookingId, TicketId};

/// All tickets of a booking in one document: the mail's attachment.
pub fn booking_pdf(booking: BookingId) -> String {
    format!("bookings/{booking}.pdf")
}

/// One ticket.
pub fn ticket_pdf(ticket: TicketId) -> String {
    format!("tickets/{ticket}.pdf")
}
