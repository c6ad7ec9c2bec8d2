//! Bookings, payments, webhooks.

use axum::http::StatusCode;
use goticket_domain::booking::{BookingState, RefusalReason};

use super::{FieldError, Problem};
use crate::app::book::BookError;
use crate::app::cancel::CancelError;
use crate::app::look_up_booking::LookUpError;
use crate::app::pay::PayError;
use crate::app::take_webhook::WebhookError;
use crate::outbound::commands::SendError;

impl From<SendError> for Problem {
    fn from(error: SendError) -> Self {
        match error {
            SendError::NotSent => Self::unavailable(
                "not_accepted",
                "The request was not accepted: the queue takes nothing for the moment. Repeat it with the same key.",
            ),
            SendError::Unknown => Self::unavailable(
                "acceptance_unknown",
                "Whether the request was accepted is not known. Repeat it with the same key: it will be carried out once.",
            ),
        }
    }
}

impl From<BookError> for Problem {
    fn from(error: BookError) -> Self {
        match error {
            BookError::Invalid(wrong) => Self::invalid(vec![wrong.into()]),
            BookError::KeyReused => key_reused(),
            BookError::NotAccepted(error) => error.into(),
            BookError::Fault(fault) => fault.into(),
        }
    }
}

fn key_reused() -> Problem {
    Problem::unprocessable(
        "idempotency_key_reused",
        "This Idempotency-Key was used for another request. Use a new key for a new request.",
    )
    .with_error(FieldError::header("Idempotency-Key", "was used for another request: use a new one"))
}

/// The truth about a request that got no seats; `seats` are the ones in the way.
pub(crate) fn refusal(reason: RefusalReason, seats: &[u32]) -> Problem {
    let (code, detail, word) = match reason {
        RefusalReason::Sold => ("seats_sold", "These seats are sold and will not come back. Choose others.", "is sold"),
        RefusalReason::Held => {
            ("seats_held", "Somebody else holds these seats; they may come back. Choose others or try again.", "is held")
        }
        RefusalReason::Contended => {
            ("contended", "Somebody was faster in this very moment. Try again with a new key.", "was taken just now")
        }
        RefusalReason::NotTogether => {
            ("not_together", "There are not so many seats side by side. Ask for fewer, or for another section.", "")
        }
        RefusalReason::LimitReached => {
            ("limit_reached", "Your account would have more tickets than this event allows. Ask for fewer.", "")
        }
        RefusalReason::NotOnSale => ("not_on_sale", "This event is not on sale. See its onsale_at and starts_at.", ""),
        RefusalReason::Failed => {
            return Problem::conflict(
                "booking_failed",
                "We could not carry this request out; it got no seats. Try again with a new key.",
            );
        }
        RefusalReason::Invalid => {
            return Problem::unprocessable("invalid_booking", "These seats cannot be booked together. See the seat map.");
        }
    };
    let in_the_way = seats.iter().filter(|_| !word.is_empty());
    let errors = in_the_way.map(|seat| FieldError::pointer("/seats", format!("seat {seat} {word}")));
    Problem::conflict(code, detail).with_errors(errors.collect())
}

impl From<LookUpError> for Problem {
    fn from(error: LookUpError) -> Self {
        match error {
            LookUpError::NotFound => Self::not_found("booking_not_found", "You have no such booking. Check the id in the path."),
            LookUpError::Fault(fault) => fault.into(),
        }
    }
}

fn not_decided() -> Problem {
    Problem::conflict("booking_pending", "This request is not decided yet. Look at it again in a moment.").retry_after(1)
}

fn refused_before() -> Problem {
    Problem::conflict("booking_refused", "This request got no seats: there is nothing to pay or to give back.")
}

impl From<CancelError> for Problem {
    fn from(error: CancelError) -> Self {
        match error {
            CancelError::NotHeld(state) => {
                let detail = format!("This booking is {}: only a held one can be given back.", state.as_str());
                Self::conflict("booking_not_held", detail)
            }
            CancelError::Refused => refused_before(),
            CancelError::Pending => not_decided(),
            CancelError::NotAccepted(error) => error.into(),
            CancelError::LookUp(error) => error.into(),
        }
    }
}

impl From<PayError> for Problem {
    fn from(error: PayError) -> Self {
        match error {
            PayError::NotPayable(BookingState::Confirmed) => {
                Self::conflict("already_paid", "This booking is paid. Its tickets are under /tickets.")
            }
            PayError::NotPayable(state) => {
                let detail = format!("This booking is {}: it cannot be paid any more. Book again.", state.as_str());
                Self::conflict("booking_not_payable", detail)
            }
            PayError::Refused => refused_before(),
            PayError::Pending => not_decided(),
            PayError::LookUp(error) => error.into(),
            PayError::Fault(fault) => fault.into(),
        }
    }
}

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::Signature(fault) => Self::new(
                StatusCode::UNAUTHORIZED,
                "signature_invalid",
                format!("Sandbox-Signature {fault}. Sign the raw body anew."),
            )
            .with_error(FieldError::header("Sandbox-Signature", fault.to_string())),
            WebhookError::Unreadable(cause) => {
                Self::unprocessable("invalid_webhook", format!("The body is no webhook: {cause}."))
                    .with_error(FieldError::pointer("", "must be an event of this provider"))
            }
            WebhookError::UnknownPayment => Self::not_found("payment_not_found", "There is no payment with this reference.")
                .with_error(FieldError::pointer("/data/reference", "is none of our payments")),
            WebhookError::NotAccepted(error) => error.into(),
            WebhookError::Fault(fault) => fault.into(),
        }
    }
}
