//! `POST /v1/bookings/{booking}/payment`

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use goticket_domain::BookingId;
use goticket_domain::payment::PaymentState;
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Amount, TAG};
use crate::app::caller::Caller;
use crate::app::pay::pay as begin_payment;
use crate::inbound::json::Json;
use crate::inbound::parts::Path;
use crate::inbound::problem::{FieldError, Problem, ProblemDocument};
use crate::services::App;

/// Longest address, in bytes.
const URL_BYTES_MAX: usize = 2_000;

/// How to pay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PaymentRequest {
    /// Where the payment page sends the fan afterwards: an https address of a host that this installation knows.
    return_url: Option<String>,
}

/// An attempt to pay.
#[derive(Serialize, ToSchema)]
pub(crate) struct PaymentBody {
    payment: Uuid,
    /// `open`.
    #[schema(value_type = String)]
    state: PaymentState,
    /// Where the fan pays.
    pay_url: String,
    amount: Amount,
}

/// Begins to pay a held booking. Asking again gives the same page; after a decline, a new one.
#[utoipa::path(post, path = "/v1/bookings/{booking}/payment", operation_id = "pay_booking", tag = TAG, security(("access" = [])),
    params(("booking" = Uuid, Path)), request_body = PaymentRequest, responses(
    (status = 201, body = PaymentBody),
    (status = 200, description = "the one that is open already", body = PaymentBody),
    (status = 404, body = ProblemDocument),
    (status = 409, description = "already_paid, booking_not_payable, sale_closed, booking_refused, booking_pending", body = ProblemDocument),
    (status = 422, description = "also idempotency_key_reused: the request's key was decided for another one", body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn pay(
    State(app): State<App>,
    caller: Caller,
    Path(booking): Path<BookingId>,
    Json(body): Json<PaymentRequest>,
) -> Result<impl IntoResponse, Problem> {
    let return_url = body.return_url.as_deref().map(|text| return_address(&app, text)).transpose()?;
    let opened = begin_payment(&app, caller, booking, return_url.as_ref()).await?;
    let status = if opened.is_new { StatusCode::CREATED } else { StatusCode::OK };
    let body = PaymentBody {
        payment: opened.attempt.id.0,
        state: opened.attempt.state,
        pay_url: opened.pay_url,
        amount: opened.amount.into(),
    };
    Ok((status, axum::Json(body)))
}

fn return_address(app: &App, text: &str) -> Result<Url, Problem> {
    let refused = |message: String| Problem::invalid(vec![FieldError::pointer("/return_url", message)]);
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && text.len() <= URL_BYTES_MAX);
    let url = url.ok_or_else(|| refused(format!("must be an http or https address of at most {URL_BYTES_MAX} bytes")))?;
    if app.return_addresses.allow(&url) {
        return Ok(url);
    }
    Err(refused(
        "leads to a host that this installation does not know: take an https address of your shop, or have it added".to_owned(),
    ))
}
