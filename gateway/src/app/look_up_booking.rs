//! A fan looks at a booking: one that came to be, one that was refused, or one that is still to be decided.

use goticket_domain::booking::{AnyBooking, Outcome};
use goticket_domain::{AccountId, BookingId, EventId};
use goticket_storage::bookings::view::{self, DecidedRequest};

use crate::fault::Fault;
use crate::outbound::pending::{self, Pending};
use crate::services::Services;

/// What there is under an id.
#[derive(Debug)]
pub(crate) enum Found {
    Booking(AnyBooking),
    /// A request that got no seats.
    Refused { event: EventId, outcome: Outcome },
    /// Accepted, not decided yet.
    Pending(Pending),
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum LookUpError {
    /// Unknown, or another account's: which of them, no one is told.
    #[error("no such booking")]
    NotFound,
    #[error(transparent)]
    Fault(#[from] Fault),
}

pub(crate) async fn look_up_booking(app: &Services, account: AccountId, id: BookingId) -> Result<Found, LookUpError> {
    if let Some(booking) = view::booking(&app.pool, id).await.map_err(Fault::from)? {
        return if booking.order().account == account { Ok(Found::Booking(booking)) } else { Err(LookUpError::NotFound) };
    }
    if let Some(decided) = view::by_booking(&app.pool, account, id).await.map_err(Fault::from)? {
        return settled(app, decided).await;
    }
    let request = pending::find(&app.redis, id).await?.filter(|request| request.account == account);
    let request = request.ok_or(LookUpError::NotFound)?;
    // A repeated request may have been decided under the id of the first one.
    match view::by_key(&app.pool, account, &request.key).await.map_err(Fault::from)? {
        None => Ok(Found::Pending(request)),
        Some(decided) => settled(app, decided).await,
    }
}

/// What a request came to. The booking may have come to be since it was looked for.
async fn settled(app: &Services, decided: DecidedRequest) -> Result<Found, LookUpError> {
    let booking = view::booking(&app.pool, decided.outcome.booking()).await.map_err(Fault::from)?;
    Ok(booking.map_or(Found::Refused { event: decided.event, outcome: decided.outcome }, Found::Booking))
}
