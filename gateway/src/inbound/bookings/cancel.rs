//! `DELETE /v1/bookings/{booking}`

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use goticket_domain::BookingId;

use super::{BookingBody, PendingBody, Shown, TAG, headers, refused, url};
use crate::app::caller::Caller;
use crate::app::cancel::{CancelOutcome, cancel as cancel_booking};
use crate::inbound::parts::Path;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// Gives a held booking back, or a request that is not decided yet: it is then refused. Repeating it changes nothing.
#[utoipa::path(delete, path = "/v1/bookings/{booking}", operation_id = "cancel_booking", tag = TAG, security(("access" = [])), params(("booking" = Uuid, Path)),
    responses(
    (status = 200, description = "cancelled, or refused before it was decided", body = BookingBody),
    (status = 202, description = "accepted", body = PendingBody),
    (status = 404, body = ProblemDocument),
    (status = 409, description = "booking_not_held, booking_refused", body = ProblemDocument),
    (status = 422, description = "idempotency_key_reused: the request's key was decided for another one", body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<BookingId>,
    sent: HeaderMap,
) -> Result<Response, Problem> {
    match cancel_booking(&app, caller, id, headers::wait(&sent)).await? {
        CancelOutcome::Cancelled(booking) => {
            Ok(axum::Json(Shown::load(&app, booking.order().event).await?.booking(&booking)).into_response())
        }
        CancelOutcome::Refused(request) => Ok(axum::Json(refused(&request)).into_response()),
        CancelOutcome::Accepted => {
            Ok((StatusCode::ACCEPTED, [(header::LOCATION, url(id))], axum::Json(PendingBody::new(id))).into_response())
        }
    }
}
