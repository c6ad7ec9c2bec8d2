//! The attempts to pay a booking.

use goticket_domain::BookingId;
use goticket_domain::policy::{Action, Subject};
use goticket_storage::payments::history;
pub(crate) use goticket_storage::payments::history::PastAttempt;

use crate::app::look_up_booking::{Found, LookUpError, look_up_booking};
use crate::fault::Fault;
use crate::services::Services;

/// The oldest first. None of a request that was refused, or is still to be decided.
pub(crate) async fn list_payments(app: &Services, subject: &Subject, id: BookingId) -> Result<Vec<PastAttempt>, LookUpError> {
    match look_up_booking(app, subject, Action::ListPayments, id).await? {
        // Its id can be another one than was asked for: that of the request its key was decided for.
        Found::Booking(booking) => Ok(history::of_booking(&app.pool, booking.order().id).await.map_err(Fault::from)?),
        Found::Refused(_) | Found::Pending(_) => Ok(Vec::new()),
    }
}
