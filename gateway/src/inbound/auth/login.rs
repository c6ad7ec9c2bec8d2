//! `POST /v1/auth/login`

use axum::extract::State;
use goticket_domain::identity::EmailAddress;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{SessionBody, TAG};
use crate::app::log_in::log_in;
use crate::app::passwords::Who;
use crate::inbound::client::Client;
use crate::inbound::json::Json;
use crate::inbound::problem::{FieldError, Problem, ProblemDocument};
use crate::services::App;

/// Who, and the proof.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogIn {
    email: String,
    password: String,
}

/// Begins a session.
#[utoipa::path(post, path = "/v1/auth/login", operation_id = "log_in", tag = TAG, request_body = LogIn, responses(
    (status = 200, body = SessionBody),
    (status = 401, description = "wrong_credentials", body = ProblemDocument),
    (status = 403, description = "account_disabled", body = ProblemDocument),
    (status = 429, body = ProblemDocument),
    (status = 503, description = "busy: too many log-ins at once", body = ProblemDocument),
))]
pub(crate) async fn login(
    State(app): State<App>,
    client: Client,
    Json(body): Json<LogIn>,
) -> Result<axum::Json<SessionBody>, Problem> {
    let email = EmailAddress::parse(&body.email)
        .map_err(|error| Problem::invalid(vec![FieldError::pointer("/email", error.to_string())]))?;
    let who = Who { network: client.network, account: email };
    Ok(axum::Json(log_in(&app, &who, body.password, &client.device).await?.into()))
}
