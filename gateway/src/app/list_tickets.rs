//! The tickets of a booking.

use goticket_domain::BookingId;
use goticket_domain::booking::AnyBooking;
use goticket_domain::policy::{Action, Subject};
use goticket_storage::bookings::view;
pub(crate) use goticket_storage::bookings::view::TicketView;

use crate::app::look_up_booking::{Found, LookUpError, look_up_booking};
use crate::fault::Fault;
use crate::services::Services;

/// And the booking they are of. None of a request that was refused, or is still to be decided.
pub(crate) async fn list_tickets(
    app: &Services,
    subject: &Subject,
    id: BookingId,
) -> Result<Option<(AnyBooking, Vec<TicketView>)>, LookUpError> {
    match look_up_booking(app, subject, Action::ListTickets, id).await? {
        // Its id can be another one than was asked for: that of the request its key was decided for.
        Found::Booking(booking) => {
            let tickets = view::tickets(&app.pool, booking.order().id).await.map_err(Fault::from)?;
            Ok(Some((booking, tickets)))
        }
        Found::Refused(_) | Found::Pending(_) => Ok(None),
    }
}
