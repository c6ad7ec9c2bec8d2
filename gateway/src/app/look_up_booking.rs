//! Somebody looks at a booking: its holder at one that came to be, was refused, or is still to be decided; members of the organization that sold it at one
//! that came to be.

use goticket_domain::booking::{AnyBooking, Outcome, Refusal};
use goticket_domain::policy::{Action, Reason, Resource, Subject};
use goticket_domain::{AccountId, BookingId, EventId};
use goticket_storage::bookings::view::{self, DecidedRequest};

use crate::app::policy::Refused;
use crate::fault::Fault;
use crate::outbound::pending::{self, Pending};
use crate::services::Services;

/// What there is under an id. A request whose key was decided under the id of another one leads to that one.
#[derive(Debug)]
pub(crate) enum Found {
    Booking(AnyBooking),
    Refused(RefusedRequest),
    /// Accepted, not decided yet.
    Pending(Pending),
}

/// A request that got no seats.
#[derive(Debug)]
pub(crate) struct RefusedRequest {
    pub(crate) booking: BookingId,
    pub(crate) event: EventId,
    pub(crate) refusal: Refusal,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum LookUpError {
    /// Unknown, or another account's: which of them, no one is told.
    #[error("no such booking")]
    NotFound,
    #[error("denied: {0:?}")]
    Denied(Reason),
    /// Accepted, but its key was decided for a request for other seats.
    #[error("the key was used for another request")]
    KeyReused,
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<Refused> for LookUpError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Hidden => Self::NotFound,
            Refused::Denied(reason) => Self::Denied(reason),
            Refused::Fault(fault) => Self::Fault(fault),
        }
    }
}

/// The only way to a booking: by what one means to do with it.
pub(crate) async fn look_up_booking(
    app: &Services,
    subject: &Subject,
    action: Action,
    id: BookingId,
) -> Result<Found, LookUpError> {
    if let Some(booking) = view::booking(&app.pool, id).await.map_err(Fault::from)? {
        allow(app, subject, action, booking.order().account, booking.order().event).await?;
        return Ok(Found::Booking(booking));
    }
    // What got no seats concerns no one but who asked for them.
    let account = subject.account().ok_or(LookUpError::NotFound)?;
    app.policy.allow(subject, action, &Resource::held_by(account)).await?;
    if let Some(decided) = view::by_booking(&app.pool, account, id).await.map_err(Fault::from)? {
        return settled(app, decided).await;
    }
    let request = pending::find(&app.redis, id).await?.filter(|request| request.account == account);
    let request = request.ok_or(LookUpError::NotFound)?;
    match app.decided.get((account, request.key.clone())).await? {
        None => Ok(Found::Pending(request)),
        Some(decided) if decided.payload_hash == request.payload_hash => settled(app, decided).await,
        Some(_) => Err(LookUpError::KeyReused),
    }
}

/// Whether they may do this to what `holder` has of this event.
pub(crate) async fn allow(
    app: &Services,
    subject: &Subject,
    action: Action,
    holder: AccountId,
    event: EventId,
) -> Result<(), LookUpError> {
    // Its holder needs no organization's leave: then the event is not looked up.
    let resource = if subject.account() == Some(holder) {
        Resource::held_by(holder)
    } else {
        Resource::booking(holder, app.catalog.of_booking(event).await?.organization)
    };
    Ok(app.policy.allow(subject, action, &resource).await?)
}

/// What a request came to. The booking may have come to be since it was looked for.
async fn settled(app: &Services, decided: DecidedRequest) -> Result<Found, LookUpError> {
    match decided.outcome {
        Outcome::Refused { booking, refusal } => Ok(Found::Refused(RefusedRequest { booking, event: decided.event, refusal })),
        Outcome::Held { booking: id, .. } => {
            let booking = view::booking(&app.pool, id).await.map_err(Fault::from)?;
            Ok(Found::Booking(booking.ok_or_else(|| Fault::Bug(format!("booking {id} was held and has no row")))?))
        }
    }
}
