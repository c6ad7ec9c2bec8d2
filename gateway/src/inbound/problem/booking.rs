//! Bookings, payments, webhooks.

use goticket_domain::booking::{BookingState, Refusal, RefusalReason};

use super::{FieldError, Problem, ProblemCode};
use crate::app::book::{BookError, SendError};
use crate::app::cancel::CancelError;
use crate::app::look_up_booking::LookUpError;
use crate::app::pay::PayError;
use crate::app::take_webhook::WebhookError;

/// Until then a queue that is not overfull has decided something.
const UNDECIDED_RETRY_S: u32 = 2;

impl From<SendError> for Problem {
    fn from(error: SendError) -> Self {
        match error {
            SendError::NotSent => Self::new(
                ProblemCode::NotAccepted,
                "The request was not accepted: the queue takes nothing for the moment. Repeat it with the same key.",
            ),
            SendError::Unknown => Self::new(
                ProblemCode::AcceptanceUnknown,
                "Whether the request was accepted is not known. Repeat it with the same key: it will be carried out once.",
            ),
        }
    }
}

impl From<BookError> for Problem {
    fn from(error: BookError) -> Self {
        match error {
            BookError::Invalid(wrong) => Self::invalid(vec![wrong.into()]),
            BookError::NotOffered { categories } => {
                let categories: Vec<String> = categories.iter().map(ToString::to_string).collect();
                let categories = categories.join(", ");
                let detail = format!(
                    "The line that you came through lets in to price categories {categories}. Choose seats of these, or name one of \
                     them with the section."
                );
                let message = format!("lets in to price categories {categories}: choose seats of these");
                Self::new(ProblemCode::CategoryNotOffered, detail).with_error(FieldError::header("Entry-Token", message))
            }
            BookError::KeyReused => key_reused(),
            BookError::TooManyUndecided => Self::new(
                ProblemCode::TooManyUndecided,
                "Too many of your requests are not decided yet. Wait for an outcome before you ask for more.",
            )
            .retry_after(UNDECIDED_RETRY_S),
            BookError::TooManyRefusals { left } => {
                let seconds = u32::try_from(left.as_secs()).unwrap_or(60) + 1;
                let detail = format!("Too many of your requests were refused. Wait {seconds} seconds, and look at the seat map.");
                Self::new(ProblemCode::TooManyRefusals, detail).retry_after(seconds)
            }
            BookError::NotAccepted(error) => error.into(),
            BookError::Fault(fault) => fault.into(),
        }
    }
}

fn key_reused() -> Problem {
    Problem::new(
        ProblemCode::IdempotencyKeyReused,
        "This Idempotency-Key was used for another request. Use a new key for a new request.",
    )
    .with_error(FieldError::header("Idempotency-Key", "was used for another request: use a new one"))
}

/// What the truth about a request that got no seats is told of.
pub(crate) struct Refused {
    /// The member of the body that says how many.
    pub(crate) count_field: &'static str,
}

impl Refused {
    /// Says nothing that may change later: a repetition gets the same.
    pub(crate) fn problem(&self, refusal: &Refusal) -> Problem {
        let here = |message: &str| FieldError::pointer(self.count_field, message);
        let in_the_way = |word: &str, otherwise: &str| match refusal.seats.as_slice() {
            [] => vec![here(otherwise)],
            seats => seats.iter().map(|seat| FieldError::pointer("/seats", format!("seat {seat} {word}"))).collect(),
        };
        match refusal.reason {
            RefusalReason::Sold => {
                let errors = in_the_way("is sold: choose another one", "asks for seats that are sold: choose others");
                Problem::new(ProblemCode::SeatsSold, "These seats are sold and will not come back. Choose others.")
                    .with_errors(errors)
            }
            RefusalReason::Held => {
                let detail = "Somebody else holds these seats; they may come back. Choose others or try again.";
                let errors = in_the_way(
                    "is held: choose another one, or try again",
                    "asks for seats that are held: choose others, or try again",
                );
                Problem { until: refusal.until, ..Problem::new(ProblemCode::SeatsHeld, detail).with_errors(errors) }
            }
            RefusalReason::Yours => {
                let detail = "These seats are yours already: see the booking that has them.";
                let errors = in_the_way("is yours already: see your booking", "asks for seats that are yours already");
                Problem { booking: refusal.yours, ..Problem::new(ProblemCode::SeatsYours, detail).with_errors(errors) }
            }
            RefusalReason::Contended => {
                let detail = "Somebody was faster in this very moment. Try again with a new key.";
                let errors = in_the_way("was taken just now: try again", "asks for seats that were taken just now: try again");
                Problem::new(ProblemCode::Contended, detail).with_errors(errors)
            }
            RefusalReason::NotTogether => {
                let detail = "There are not so many seats side by side. Ask for fewer, or for another section.";
                Problem::new(ProblemCode::NotTogether, detail)
                    .with_error(here("asks for more seats than lie side by side: ask for fewer"))
            }
            RefusalReason::LimitReached => {
                let detail =
                    "Your account would have more tickets than this event allows. See its ticket_limit, and ask for fewer.";
                Problem::new(ProblemCode::LimitReached, detail)
                    .with_error(here("would make more than the event's ticket_limit for your account: ask for fewer"))
            }
            RefusalReason::NotOnSale => Problem::new(ProblemCode::NotOnSale, "This event is not on sale yet. See its onsale_at.")
                .with_error(FieldError::path("event", "is not on sale yet: see its onsale_at")),
            RefusalReason::Closed => Problem::new(ProblemCode::SaleClosed, "The sale of this event is over. See other events.")
                .with_error(FieldError::path("event", "is sold no more: see other events")),
            RefusalReason::Cancelled => {
                let detail = "You gave this request back before it was decided. Ask again with a new key.";
                Problem::new(ProblemCode::RequestCancelled, detail)
                    .with_error(FieldError::header("Idempotency-Key", "is of a request you gave back: use a new one"))
            }
            RefusalReason::Failed => {
                let detail = "We could not carry this request out; it got no seats. Try again with a new key.";
                Problem::new(ProblemCode::BookingFailed, detail)
                    .with_error(FieldError::header("Idempotency-Key", "is of a request that failed: try again with a new one"))
            }
            RefusalReason::Invalid => {
                let detail = "These seats cannot be booked together. See the seat map.";
                Problem::new(ProblemCode::InvalidBooking, detail)
                    .with_error(here("asks for seats that cannot be booked together: see the seat map"))
            }
        }
    }
}

impl From<LookUpError> for Problem {
    fn from(error: LookUpError) -> Self {
        match error {
            LookUpError::NotFound => {
                Self::new(ProblemCode::BookingNotFound, "You have no such booking. Check the id in the path.")
                    .with_error(FieldError::path("booking", "is none of your bookings: copy it from where you got it"))
            }
            LookUpError::Denied(reason) => Self::denied(reason),
            LookUpError::KeyReused => key_reused(),
            LookUpError::Fault(fault) => fault.into(),
        }
    }
}

fn not_decided() -> Problem {
    Problem::new(ProblemCode::BookingPending, "This request is not decided yet. Look at it again in a moment.")
        .with_error(FieldError::path("booking", "is not decided yet: look at it again in a moment"))
        .retry_after(1)
}

fn refused_before() -> Problem {
    Problem::new(ProblemCode::BookingRefused, "This request got no seats: there is nothing to pay or to give back.")
        .with_error(FieldError::path("booking", "got no seats: ask for others"))
}

impl From<CancelError> for Problem {
    fn from(error: CancelError) -> Self {
        match error {
            CancelError::NotHeld(state) => {
                let detail = format!("This booking is {}: only a held one can be given back.", state.as_str());
                let message = format!("is {}: only a held one can be given back", state.as_str());
                Self::new(ProblemCode::BookingNotHeld, detail).with_error(FieldError::path("booking", message))
            }
            CancelError::Refused => refused_before(),
            CancelError::NotAccepted(error) => error.into(),
            CancelError::LookUp(error) => error.into(),
        }
    }
}

impl From<PayError> for Problem {
    fn from(error: PayError) -> Self {
        match error {
            PayError::NotPayable(BookingState::Confirmed) => {
                Self::new(ProblemCode::AlreadyPaid, "This booking is paid. Its tickets are under /tickets.")
                    .with_error(FieldError::path("booking", "is paid: get its tickets"))
            }
            PayError::NotPayable(state) => {
                let detail = format!("This booking is {}: it cannot be paid any more. Book again.", state.as_str());
                Self::new(ProblemCode::BookingNotPayable, detail)
                    .with_error(FieldError::path("booking", format!("is {}: book again", state.as_str())))
            }
            PayError::SaleClosed => {
                Self::new(ProblemCode::SaleClosed, "The sale of this event was closed: this booking cannot be paid any more.")
                    .with_error(FieldError::path("booking", "is for an event that was closed: see other events"))
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
            WebhookError::Signature(fault) => {
                Self::new(ProblemCode::SignatureInvalid, format!("Sandbox-Signature {fault}. Sign the raw body again."))
                    .with_error(FieldError::header("Sandbox-Signature", format!("{fault}: sign the raw body again")))
            }
            WebhookError::Unreadable(cause) => {
                Self::new(ProblemCode::InvalidWebhook, format!("The body is no webhook: {cause}."))
                    .with_error(FieldError::body("must be an event of this provider"))
            }
            WebhookError::UnknownPayment => Self::new(ProblemCode::PaymentNotFound, "There is no payment with this reference.")
                .with_error(FieldError::pointer(
                    "/data/reference",
                    "is none of our payments: send the reference the payment was opened with",
                )),
            WebhookError::NotAccepted(error) => error.into(),
            WebhookError::Fault(fault) => fault.into(),
        }
    }
}
