//! A fan gives a held booking back, or a request that is not decided yet: the owner of the event's lane does it, in order with everything
//! else.

use std::time::Duration;

use goticket_domain::booking::{AnyBooking, BookingState, Command, Outcome, RefusalReason, UndecidedRequest};
use goticket_domain::{AccountId, BookingId, EventId};
use tokio::time::timeout;

use crate::app::look_up_booking::{Found, LookUpError, look_up_booking};
use crate::outbound::commands::SendError;
use crate::services::Services;

/// What became of it.
#[derive(Debug)]
pub(crate) enum CancelOutcome {
    /// The seats are free.
    Cancelled(AnyBooking),
    /// The request was not decided yet, and is now refused.
    Refused { event: EventId, outcome: Outcome },
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
    #[error(transparent)]
    NotAccepted(#[from] SendError),
    #[error(transparent)]
    LookUp(#[from] LookUpError),
}

/// What there is to give back.
enum Cancellable {
    Held(EventId),
    Undecided(EventId, UndecidedRequest),
    /// It was given back before.
    Done(CancelOutcome),
}

pub(crate) async fn cancel(
    app: &Services,
    account: AccountId,
    id: BookingId,
    wait: Duration,
) -> Result<CancelOutcome, CancelError> {
    let (event, undecided) = match cancellable(app, account, id).await? {
        Cancellable::Done(outcome) => return Ok(outcome),
        Cancellable::Held(event) => (event, None),
        Cancellable::Undecided(event, request) => (event, Some(request)),
    };
    let mut waiter = app.waiters.register(id);
    app.commands.send(event, Command::Cancel { booking: id, account, undecided }, true).await?;
    // Whatever the reply is, the database says how the booking stands now.
    tokio::select! {
        _ = timeout(wait, waiter.reply()) => {}
        () = app.ending.cancelled() => {}
    }
    match cancellable(app, account, id).await {
        Ok(Cancellable::Done(outcome)) => Ok(outcome),
        Ok(Cancellable::Held(_) | Cancellable::Undecided(..)) => Ok(CancelOutcome::Accepted),
        Err(CancelError::LookUp(LookUpError::Fault(fault))) => {
            tracing::warn!(%fault, booking = %id, "an accepted cancellation could not be looked up");
            Ok(CancelOutcome::Accepted)
        }
        Err(error) => Err(error),
    }
}

async fn cancellable(app: &Services, account: AccountId, id: BookingId) -> Result<Cancellable, CancelError> {
    match look_up_booking(app, account, id).await? {
        Found::Booking(booking) => match booking.state() {
            BookingState::Held => Ok(Cancellable::Held(booking.order().event)),
            BookingState::Cancelled => Ok(Cancellable::Done(CancelOutcome::Cancelled(booking))),
            state => Err(CancelError::NotHeld(state)),
        },
        Found::Refused { event, outcome } if is_cancelled(&outcome) => {
            Ok(Cancellable::Done(CancelOutcome::Refused { event, outcome }))
        }
        Found::Refused { .. } => Err(CancelError::Refused),
        Found::Pending(request) => Ok(Cancellable::Undecided(request.event, request.undecided())),
    }
}

fn is_cancelled(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Refused { refusal, .. } if refusal.reason == RefusalReason::Cancelled)
}
