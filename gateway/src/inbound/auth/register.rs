//! `POST /v1/auth/register`

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use goticket_domain::identity::{EmailAddress, MAX_NAME_CHARS, check_password};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{SessionBody, TAG};
use crate::app::passwords::Who;
use crate::app::register::register as register_account;
use crate::inbound::client::Client;
use crate::inbound::json::Json;
use crate::inbound::problem::{FieldError, Problem, ProblemDocument};
use crate::services::App;

/// A new account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Registration {
    email: String,
    /// 10 to 128 characters, of any script.
    password: String,
    /// As tickets print it, at most 100 characters.
    name: String,
}

/// Makes an account and logs it in. A mail with a link goes to its address: following it verifies the address.
#[utoipa::path(post, path = "/v1/auth/register", operation_id = "register", tag = TAG, request_body = Registration, responses(
    (status = 201, body = SessionBody),
    (status = 409, description = "email_taken", body = ProblemDocument),
    (status = 422, body = ProblemDocument),
    (status = 429, body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn register(
    State(app): State<App>,
    client: Client,
    Json(body): Json<Registration>,
) -> Result<impl IntoResponse, Problem> {
    let mut errors = Vec::new();
    let email = EmailAddress::parse(&body.email).map_err(|error| errors.push(FieldError::pointer("/email", error.to_string())));
    if let Err(error) = check_password(&body.password) {
        errors.push(FieldError::pointer("/password", error.to_string()));
    }
    let name = body.name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
        let message = format!("must have 1 to {MAX_NAME_CHARS} characters, none of them control characters");
        errors.push(FieldError::pointer("/name", message));
    }
    match email {
        Ok(email) if errors.is_empty() => {
            let who = Who { network: client.network, account: email };
            let session = register_account(&app, &who, name, body.password, &client.device).await?;
            Ok((StatusCode::CREATED, axum::Json(SessionBody::from(session))))
        }
        _ => Err(Problem::invalid(errors)),
    }
}
