//! `GET /v1/bookings/{booking}`

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use goticket_domain::BookingId;
use goticket_domain::booking::BookingState;
use goticket_domain::policy::{Action, Subject};
use serde::Serialize;

use super::{BookingBody, PendingBody, Shown, TAG, refused};
use crate::app::caller::Caller;
use crate::app::look_up_booking::{Found, LookUpError, look_up_booking};
use crate::inbound::parts::Path;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// A booking as its own address shows it.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum BookingDocument {
    Decided(BookingBody),
    Pending(PendingBody),
}

impl BookingDocument {
    /// Nothing more is expected of it. A confirmed booking can still be refunded, but no one waits for that.
    pub(super) fn is_final(&self) -> bool {
        match self {
            Self::Decided(booking) => booking.state != BookingState::Held.as_str(),
            Self::Pending(_) => false,
        }
    }
}

/// One of the caller's bookings; also a request that was refused, or is still to be decided (`state` is then `pending`). Box office and managers see
/// the bookings of their organization's events.
#[utoipa::path(get, path = "/v1/bookings/{booking}", operation_id = "show_booking", tag = TAG, security(("access" = [])), params(("booking" = Uuid, Path)),
    responses(
    (status = 200, body = BookingBody),
    (status = 403, description = "member_role_required", body = ProblemDocument),
    (status = 404, body = ProblemDocument),
    (status = 422, description = "idempotency_key_reused: the request's key was decided for another one", body = ProblemDocument),
))]
pub(crate) async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<BookingId>,
) -> Result<impl IntoResponse, Problem> {
    let document = describe(&app, &caller.subject(), Action::ShowBooking, id).await?;
    Ok(([(header::CACHE_CONTROL, "private, no-store")], axum::Json(document)))
}

/// What is shown of a booking.
pub(super) async fn describe(
    app: &App,
    subject: &Subject,
    action: Action,
    id: BookingId,
) -> Result<BookingDocument, LookUpError> {
    Ok(match look_up_booking(app, subject, action, id).await? {
        Found::Booking(booking) => BookingDocument::Decided(Shown::load(app, booking.order().event).await?.booking(&booking)),
        Found::Refused(request) => BookingDocument::Decided(refused(&request)),
        Found::Pending(_) => BookingDocument::Pending(PendingBody::new(id)),
    })
}
