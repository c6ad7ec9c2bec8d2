//! A fan gives a held booking back: the section's one writer does it, in order with everything else.

use std::time::Duration;

use goticket_contracts::commands::Action;
use goticket_domain::booking::BookingState;
use goticket_domain::{AccountId, BookingId};
use goticket_storage::bookings::view::BookingView;
use tokio::time::timeout;

use crate::app::fault::Fault;
use crate::app::look_up_booking::{Found, LookUpError, look_up_booking};
use crate::outbound::commands::SendError;
use crate::services::Services;

/// What became of it.
#[derive(Debug)]
pub(crate) enum CancelOutcome {
    /// The seats are free.
    Cancelled(BookingView),
    /// The broker has the command.
    Accepted,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum CancelError {
    /// Only a hold can be given back.
    #[error("the booking is {}", .0.as_str())]
    NotHeld(BookingState),
    /// It got no seats.
    #[error("the request was refused")]
    Refused,
    /// Nothing to give back yet.
    #[error("the request is not decided yet")]
    Pending,
    #[error(transparent)]
    NotAccepted(#[from] SendError),
    #[error(transparent)]
    LookUp(#[from] LookUpError),
}

pub(crate) async fn cancel(
    app: &Services,
    account: AccountId,
    id: BookingId,
    wait: Duration,
) -> Result<CancelOutcome, CancelError> {
    let booking = held(app, account, id).await?;
    if booking.state == BookingState::Cancelled {
        return Ok(CancelOutcome::Cancelled(booking));
    }
    let mut waiter = app.waiters.register(booking.id);
    let action = Action::Cancel { booking: booking.id, account };
    app.commands.send(booking.event, booking.section, booking.id, action, true).await?;
    // Whatever the reply is, the database says how the booking stands now.
    let replied = async {
        tokio::select! {
            _ = timeout(wait, waiter.reply()) => {}
            () = app.ending.cancelled() => {}
        }
    };
    replied.await;
    match held(app, account, id).await {
        Ok(now) if now.state == BookingState::Cancelled => Ok(CancelOutcome::Cancelled(now)),
        Ok(_) => Ok(CancelOutcome::Accepted),
        Err(CancelError::LookUp(LookUpError::Fault(fault))) => {
            warn(&fault, id);
            Ok(CancelOutcome::Accepted)
        }
        Err(error) => Err(error),
    }
}

fn warn(fault: &Fault, booking: BookingId) {
    tracing::warn!(%fault, %booking, "an accepted cancellation could not be looked up");
}

/// The booking if it is held, or cancelled already.
async fn held(app: &Services, account: AccountId, id: BookingId) -> Result<BookingView, CancelError> {
    match look_up_booking(app, account, id).await? {
        Found::Booking(booking) if matches!(booking.state, BookingState::Held | BookingState::Cancelled) => Ok(booking),
        Found::Booking(booking) => Err(CancelError::NotHeld(booking.state)),
        Found::Refused { .. } => Err(CancelError::Refused),
        Found::Pending => Err(CancelError::Pending),
    }
}
