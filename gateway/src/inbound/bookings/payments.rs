//! `GET /v1/bookings/{booking}/payments`

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use goticket_domain::BookingId;
use goticket_domain::payment::PaymentState;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Amount, TAG};
use crate::app::caller::Caller;
use crate::app::list_payments::{PastAttempt, list_payments};
use crate::inbound::parts::Path;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// A booking's attempts to pay.
#[derive(Serialize, ToSchema)]
pub(crate) struct PaymentList {
    /// Oldest first; the latest 100.
    items: Vec<PastPaymentBody>,
}

/// An attempt to pay, as it stands now.
#[derive(Serialize, ToSchema)]
pub(crate) struct PastPaymentBody {
    id: Uuid,
    /// The payment provider's name.
    provider: String,
    amount: Amount,
    /// `open`, `paid`, `declined`, `refund_due`, `refunded` or `review`.
    #[schema(value_type = String)]
    state: PaymentState,
    created_at: Timestamp,
    /// When it last changed.
    updated_at: Timestamp,
}

impl From<PastAttempt> for PastPaymentBody {
    fn from(attempt: PastAttempt) -> Self {
        let PastAttempt { id, provider, amount, state, created_at, updated_at } = attempt;
        Self { id: id.0, provider, amount: amount.into(), state, created_at, updated_at }
    }
}

/// The attempts to pay one of the caller's bookings. None of a request that was refused, or is still to be decided.
#[utoipa::path(get, path = "/v1/bookings/{booking}/payments", operation_id = "list_payments", tag = TAG, security(("access" = [])),
    params(("booking" = Uuid, Path)), responses(
    (status = 200, body = PaymentList),
    (status = 404, body = ProblemDocument),
    (status = 422, description = "idempotency_key_reused: the request's key was decided for another one", body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn payments(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<BookingId>,
) -> Result<impl IntoResponse, Problem> {
    let attempts = list_payments(&app, &caller.subject(), id).await?;
    let items = attempts.into_iter().map(PastPaymentBody::from).collect();
    Ok(([(header::CACHE_CONTROL, "private, no-store")], axum::Json(PaymentList { items })))
}
