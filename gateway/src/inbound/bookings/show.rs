//! `GET /v1/bookings/{booking}`

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use goticket_domain::BookingId;

use super::{BookingBody, PendingBody, Shown, TAG, refused};
use crate::app::caller::Caller;
use crate::app::look_up_booking::{Found, look_up_booking};
use crate::inbound::parts::Path;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// One of the caller's bookings; also a request that was refused, or is still to be decided (`state` is then `pending`).
#[utoipa::path(get, path = "/v1/bookings/{booking}", tag = TAG, security(("access" = [])), params(("booking" = Uuid, Path)),
    responses(
    (status = 200, body = BookingBody),
    (status = 404, body = ProblemDocument),
    (status = 422, description = "idempotency_key_reused: the request's key was decided for another one", body = ProblemDocument),
))]
pub(crate) async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<BookingId>,
) -> Result<impl IntoResponse, Problem> {
    let body: Response = match look_up_booking(&app, caller.account, id).await? {
        Found::Booking(booking) => axum::Json(Shown::load(&app, booking.order().event).await?.booking(&booking)).into_response(),
        Found::Refused(request) => axum::Json(refused(&request)).into_response(),
        Found::Pending(_) => axum::Json(PendingBody::new(id)).into_response(),
    };
    Ok(([(header::CACHE_CONTROL, "private, no-store")], body))
}
