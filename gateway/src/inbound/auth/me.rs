//! `GET /v1/me`

use axum::extract::State;

use super::{AccountBody, TAG};
use crate::app::caller::Caller;
use crate::app::look_up_account::look_up_account;
use crate::inbound::problem::{FieldError, Problem, ProblemCode, ProblemDocument};
use crate::services::App;

/// The caller's account.
#[utoipa::path(get, path = "/v1/me", operation_id = "show_me", tag = TAG, security(("access" = [])), responses(
    (status = 200, body = AccountBody),
    (status = 401, body = ProblemDocument),
))]
pub(crate) async fn me(State(app): State<App>, caller: Caller) -> Result<axum::Json<AccountBody>, Problem> {
    let account = look_up_account(&app, caller).await?.ok_or_else(|| {
        Problem::new(ProblemCode::AccountNotFound, "This account does not exist any more. Register again.")
            .with_error(FieldError::header("Authorization", "is of an account that is gone: register again"))
    })?;
    Ok(axum::Json(account.into()))
}
