//! `POST /v1/payments/sandbox/webhook`

use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::json::RawBody;
use super::parts::header_text;
use super::problem::{FieldError, Problem, ProblemCode, ProblemDocument};
use crate::app::take_webhook::{SIGNATURE_HEADER, WebhookError, take_webhook};
use crate::services::App;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(webhook))
}

/// For the sandbox payment provider: acknowledged once the booking's writer has it.
#[utoipa::path(post, path = "/v1/payments/sandbox/webhook", operation_id = "take_sandbox_webhook", tag = "payments",
    params(("Sandbox-Signature" = String, Header, description = "t=<unix seconds>,v1=<hex>[,v1=<hex>]")),
    request_body(content = serde_json::Value, description = "signed as raw bytes"), responses(
    (status = 200, description = "taken"),
    (status = 401, description = "signature_invalid", body = ProblemDocument),
    (status = 404, description = "payment_not_found", body = ProblemDocument),
    (status = 503, description = "send it again", body = ProblemDocument),
))]
async fn webhook(State(app): State<App>, Signature(signature): Signature, RawBody(body): RawBody) -> Result<StatusCode, Problem> {
    take_webhook(&app, &signature, &body).await?;
    Ok(StatusCode::OK)
}

/// What says who sent the body, and lately: looked at before the body is waited for.
struct Signature(String);

impl FromRequestParts<App> for Signature {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let signature = header_text(&parts.headers, SIGNATURE_HEADER).ok_or_else(|| {
            Problem::new(ProblemCode::SignatureInvalid, "Sandbox-Signature is missing. Sign the raw body.")
                .with_error(FieldError::header("Sandbox-Signature", "is missing: sign the raw body"))
        })?;
        app.payments.well_formed(signature, app.now()).map_err(WebhookError::from)?;
        Ok(Self(signature.to_owned()))
    }
}
