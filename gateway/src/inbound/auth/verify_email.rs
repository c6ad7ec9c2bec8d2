//! `GET|POST /v1/auth/verify-email` and `POST /v1/auth/verify-email/send`

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;
use utoipa::ToSchema;

use super::TAG;
use super::mailed_page::mailed_page;
use crate::app::caller::Caller;
use crate::app::verify_email::{Asked, ask_again, verify_email};
use crate::inbound::json::Json;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// What a link says.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Proof {
    /// What stands behind `#` in the link.
    token: String,
}

/// The page that links of verification mails lead to, where no other one is set.
#[utoipa::path(get, path = "/v1/auth/verify-email", operation_id = "verify_email_page", tag = TAG, responses(
    (status = 200, description = "a page", content_type = "text/html", body = String),
))]
pub(crate) async fn page() -> impl IntoResponse {
    mailed_page(include_str!("verify_email.html"))
}

/// Shows that the address of an account is its holder's, by what a mail to it says. Needs no log-in. Doing it again changes nothing.
#[utoipa::path(post, path = "/v1/auth/verify-email", operation_id = "verify_email", tag = TAG, request_body = Proof, responses(
    (status = 204, description = "the address is verified"),
    (status = 422, description = "verification_invalid, verification_expired", body = ProblemDocument),
    (status = 429, body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn verify(State(app): State<App>, Json(body): Json<Proof>) -> Result<StatusCode, Problem> {
    verify_email(&app, body.token.trim()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Mails the link once more; a few times for each account.
#[utoipa::path(post, path = "/v1/auth/verify-email/send", operation_id = "send_verification", tag = TAG, security(("access" = [])), responses(
    (status = 202, description = "the mail is on its way"),
    (status = 204, description = "the address is verified already"),
    (status = 401, body = ProblemDocument),
    (status = 429, body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn send(State(app): State<App>, caller: Caller) -> Result<StatusCode, Problem> {
    app.verification_limit.take(&caller.account)?;
    Ok(match ask_again(&app, caller).await? {
        Asked::Sent => StatusCode::ACCEPTED,
        Asked::NotNeeded => StatusCode::NO_CONTENT,
    })
}
