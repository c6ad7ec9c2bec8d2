//! A fan gives a held booking back, or a request that is not decided yet: the owner of the event's lane does it, in order with everything
//! else.

use std::time::Duration;

use goticket_domain::booking::{AnyBooking, BookingState, Command, RefusalReason, UndecidedRequest};
use goticket_domain::policy::{Action, Subject};
use goticket_domain::{AccountId, BookingId, EventId};
use tokio::time::Instant;

use crate::app::caller::Caller;
use crate::app::look_up_booking::{Found, LookUpError, RefusedRequest, look_up_booking};
use crate::app::waiters::{Waiter, Woken};
use crate::outbound::commands::SendError;
use crate::services::Services;

/// What became of it.
#[derive(Debug)]
pub(crate) enum CancelOutcome {
    /// The seats are free.
    Cancelled(AnyBooking),
    /// The request was not decided yet, and is now refused.
    Refused(RefusedRequest),
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

/// Whether there is something to give back.
enum Standing {
    Open(Open),
    /// It was given back before.
    Done(CancelOutcome),
}

/// A held booking, or a request that is not decided yet.
struct Open {
    booking: BookingId,
    event: EventId,
    undecided: Option<UndecidedRequest>,
}

pub(crate) async fn cancel(app: &Services, caller: Caller, id: BookingId, wait: Duration) -> Result<CancelOutcome, CancelError> {
    let (account, subject) = (caller.account, caller.subject());
    let until = Instant::now() + wait;
    let open = match standing(app, &subject, id).await? {
        Standing::Done(outcome) => return Ok(outcome),
        Standing::Open(open) => open,
    };
    let mut sent = open.booking;
    let mut waiter = send(app, account, open).await?;
    loop {
        // Whatever a reply says, also one to another command about the booking: the database says how it stands.
        let at_end = waiter.wake(until, &app.ending).await == Woken::End;
        match standing(app, &subject, id).await {
            Ok(Standing::Done(outcome)) => return Ok(outcome),
            // The key was decided meanwhile, under the id of another request: that booking is what there is to give back.
            Ok(Standing::Open(open)) if open.booking != sent => {
                sent = open.booking;
                waiter = send(app, account, open).await?;
            }
            Ok(Standing::Open(_)) => {}
            // The command will be decided: it may not be answered with an error that denies it.
            Err(CancelError::LookUp(error @ (LookUpError::NotFound | LookUpError::Denied(_) | LookUpError::Fault(_)))) => {
                tracing::warn!(%error, booking = %id, "an accepted cancellation could not be looked up");
            }
            Err(error) => return Err(error),
        }
        if at_end {
            return Ok(CancelOutcome::Accepted);
        }
    }
}

async fn send(app: &Services, account: AccountId, open: Open) -> Result<Waiter, SendError> {
    let Open { booking, event, undecided } = open;
    let waiter = app.waiters.register(booking);
    app.commands.send(event, Command::Cancel { booking, account, undecided }, true).await?;
    Ok(waiter)
}

async fn standing(app: &Services, subject: &Subject, id: BookingId) -> Result<Standing, CancelError> {
    match look_up_booking(app, subject, Action::CancelBooking, id).await? {
        Found::Booking(booking) => match booking.state() {
            BookingState::Held => {
                let order = booking.order();
                Ok(Standing::Open(Open { booking: order.id, event: order.event, undecided: None }))
            }
            BookingState::Cancelled => Ok(Standing::Done(CancelOutcome::Cancelled(booking))),
            state => Err(CancelError::NotHeld(state)),
        },
        Found::Refused(request) if request.refusal.reason == RefusalReason::Cancelled => {
            Ok(Standing::Done(CancelOutcome::Refused(request)))
        }
        Found::Refused(_) => Err(CancelError::Refused),
        Found::Pending(request) => {
            let undecided = Some(request.undecided());
            Ok(Standing::Open(Open { booking: id, event: request.event, undecided }))
        }
    }
}
