//! `POST /v1/me/password`

use axum::extract::State;
use axum::http::StatusCode;
use goticket_domain::identity::check_password;
use serde::Deserialize;
use utoipa::ToSchema;

use super::TAG;
use crate::app::change_password::change_password;
use crate::inbound::caller::Session;
use crate::inbound::client::Client;
use crate::inbound::json::Json;
use crate::inbound::problem::{FieldError, Problem, ProblemDocument};
use crate::services::App;

/// The password there is, and the next one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordChange {
    old_password: String,
    /// Like that of a registration.
    new_password: String,
}

/// Sets another password. Every session of the account ends but the one that asks.
#[utoipa::path(post, path = "/v1/me/password", operation_id = "change_password", tag = TAG, security(("access" = [])), request_body = PasswordChange, responses(
    (status = 204, description = "set"),
    (status = 401, body = ProblemDocument),
    (status = 403, description = "wrong_password", body = ProblemDocument),
    (status = 422, body = ProblemDocument),
    (status = 429, body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn change(
    State(app): State<App>,
    session: Session,
    client: Client,
    Json(body): Json<PasswordChange>,
) -> Result<StatusCode, Problem> {
    check_password(&body.new_password)
        .map_err(|error| Problem::invalid(vec![FieldError::pointer("/new_password", error.to_string())]))?;
    change_password(&app, session.caller, session.id, client.network, body.old_password, body.new_password).await?;
    Ok(StatusCode::NO_CONTENT)
}
