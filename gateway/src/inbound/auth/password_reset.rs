//! `GET|POST /v1/auth/password-reset` and `POST /v1/auth/password-reset/confirm`

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use goticket_domain::identity::{EmailAddress, check_password};
use serde::Deserialize;
use utoipa::ToSchema;

use super::TAG;
use super::mailed_page::mailed_page;
use crate::app::reset_password::{ask, reset_password};
use crate::inbound::client::Client;
use crate::inbound::json::Json;
use crate::inbound::problem::{FieldError, Problem, ProblemDocument};
use crate::services::App;

/// Whose password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetRequest {
    email: String,
}

/// What a link says, and the next password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetConfirmation {
    /// What stands behind `#` in the link.
    token: String,
    /// Like that of a registration.
    new_password: String,
}

/// The page that links by which passwords are set lead to, where no other one is set.
#[utoipa::path(get, path = "/v1/auth/password-reset", operation_id = "reset_password_page", tag = TAG, responses(
    (status = 200, description = "a page", content_type = "text/html", body = String),
))]
pub(crate) async fn page() -> impl IntoResponse {
    mailed_page(include_str!("password_reset.html"))
}

/// Mails a link by which the password is set, if there is an account with this address. Whether there is one, the answer does not tell. A few
/// times for each address.
#[utoipa::path(post, path = "/v1/auth/password-reset", operation_id = "request_password_reset", tag = TAG, request_body = ResetRequest, responses(
    (status = 202, description = "if there is such an account, its holder gets a mail"),
    (status = 422, body = ProblemDocument),
    (status = 429, body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn request(State(app): State<App>, Json(body): Json<ResetRequest>) -> Result<StatusCode, Problem> {
    let email = EmailAddress::parse(&body.email)
        .map_err(|error| Problem::invalid(vec![FieldError::pointer("/email", error.to_string())]))?;
    ask(&app, email);
    Ok(StatusCode::ACCEPTED)
}

/// Sets the password of the account whose address the link was mailed to, once, and verifies the address. Every session of the account ends.
#[utoipa::path(post, path = "/v1/auth/password-reset/confirm", operation_id = "reset_password", tag = TAG, request_body = ResetConfirmation, responses(
    (status = 204, description = "set: log in with it"),
    (status = 422, description = "reset_invalid, reset_expired", body = ProblemDocument),
    (status = 429, body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn confirm(
    State(app): State<App>,
    client: Client,
    Json(body): Json<ResetConfirmation>,
) -> Result<StatusCode, Problem> {
    check_password(&body.new_password)
        .map_err(|error| Problem::invalid(vec![FieldError::pointer("/new_password", error.to_string())]))?;
    reset_password(&app, client.network, body.token.trim(), body.new_password).await?;
    Ok(StatusCode::NO_CONTENT)
}
