//! A fan begins to pay: one open attempt per booking, at the provider's page. Asking again gives the same page.

use goticket_domain::booking::BookingState;
use goticket_domain::catalog::EventStatus;
use goticket_domain::policy::Action;
use goticket_domain::{BookingId, Money};
use goticket_storage::events;
use goticket_storage::payments::attempts::{self, Attempt};
use iso_currency::Currency;
use url::Url;

use crate::app::caller::Caller;
use crate::app::look_up_booking::{Found, LookUpError, look_up_booking};
use crate::fault::Fault;
use crate::outbound::sandbox_payments::PROVIDER;
use crate::services::Services;

/// An attempt and where to pay.
pub(crate) struct Opened {
    pub(crate) attempt: Attempt,
    pub(crate) amount: Money,
    pub(crate) pay_url: String,
    /// This request began it.
    pub(crate) is_new: bool,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum PayError {
    /// Paid, expired, cancelled, or its hold has just ended.
    #[error("the booking is {}", .0.as_str())]
    NotPayable(BookingState),
    /// Whoever holds seats of it keeps their money.
    #[error("the event was closed")]
    SaleClosed,
    #[error("the request was refused")]
    Refused,
    #[error("the request is not decided yet")]
    Pending,
    #[error(transparent)]
    LookUp(#[from] LookUpError),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The caller's own booking: the statement that opens an attempt names its holder, too.
pub(crate) async fn pay(app: &Services, caller: Caller, id: BookingId, return_url: Option<&Url>) -> Result<Opened, PayError> {
    let mut id = id;
    let (attempt, is_new) = loop {
        match attempts::open(&app.pool, id, caller.account, PROVIDER).await.map_err(Fault::from)? {
            Some(opened) => break opened,
            None => id = held_elsewhere(app, caller, id).await?,
        }
    };
    let currency = Currency::from_code(&attempt.currency);
    let currency = currency.ok_or_else(|| Fault::Bug(format!("payment {} is in {:?}", attempt.id, attempt.currency)))?;
    let amount = Money { amount_minor: attempt.amount_minor, currency };
    let pay_url = if let Some(known) = &attempt.pay_url {
        known.clone()
    } else {
        let at_provider = app.payments.open(attempt.id, amount, &format!("Booking {id}"), return_url).await?;
        attempts::set_provider(&app.pool, attempt.id, &at_provider.id, &at_provider.pay_url).await.map_err(Fault::from)?
    };
    Ok(Opened { attempt, amount, pay_url, is_new })
}

/// Nothing can be opened: the held booking that has another id, because its key was decided for another request; or why there is none.
async fn held_elsewhere(app: &Services, caller: Caller, id: BookingId) -> Result<BookingId, PayError> {
    match look_up_booking(app, &caller.subject(), Action::PayBooking, id).await? {
        Found::Booking(booking) if booking.state() != BookingState::Held => Err(PayError::NotPayable(booking.state())),
        Found::Booking(booking) if booking.order().id != id => Ok(booking.order().id),
        Found::Booking(booking) => {
            let event = events::find(&app.pool, booking.order().event).await.map_err(Fault::from)?;
            Err(match event {
                Some(event) if event.status == EventStatus::Closed => PayError::SaleClosed,
                // A hold that is over and not yet expired: by the database's clock it is too late.
                _ => PayError::NotPayable(BookingState::Expired),
            })
        }
        Found::Refused(_) => Err(PayError::Refused),
        Found::Pending(_) => Err(PayError::Pending),
    }
}
