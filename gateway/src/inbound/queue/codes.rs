//! `GET|POST /v1/events/{event}/queue/codes`, and one code. Codes are secrets: they stand in bodies, not in addresses, which are logged.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use goticket_domain::EventId;
use goticket_domain::policy::Action;
use goticket_domain::queue::entry_rules::{CodeBatch, CodeBatchState, CodeKind, CodeState, NewCodes};
use goticket_domain::queue::{EntryRefusal, QueueError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::TAG;
use super::control::checked_reason;
use crate::app::caller::Caller;
use crate::inbound::json::Json;
use crate::inbound::parts::Path;
use crate::inbound::problem::{FieldError, Problem, ProblemCode, ProblemDocument};
use crate::services::App;

/// Codes that are to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCodesBody {
    /// `presale` or `invite`: both let in while the room asks for a code.
    #[schema(value_type = String)]
    kind: CodeKind,
    /// How many, 1 to 10000.
    codes: u32,
    /// How many accounts may use each, 1 to 1000000; 1 if it is left out.
    uses: Option<u32>,
    /// At once, if it is left out.
    valid_from: Option<Timestamp>,
    valid_until: Timestamp,
    /// Why: it goes into the room's log.
    reason: String,
}

/// What codes that were made together have in common.
#[derive(Serialize, ToSchema)]
pub(crate) struct BatchBody {
    /// Running number, from 1.
    batch: u32,
    #[schema(value_type = String)]
    kind: CodeKind,
    codes: u32,
    uses: u32,
    valid_from: Timestamp,
    valid_until: Timestamp,
}

/// Codes that were just made.
#[derive(Serialize, ToSchema)]
pub(crate) struct MadeBody {
    #[serde(flatten)]
    batch: BatchBody,
    /// Told this once: keep them.
    texts: Vec<String>,
}

/// Codes that were made together, and what became of them.
#[derive(Serialize, ToSchema)]
pub(crate) struct BatchStateBody {
    #[serde(flatten)]
    batch: BatchBody,
    made_at: Timestamp,
    /// How often they were used, all together.
    used: u64,
    /// How many of them were revoked.
    revoked: u32,
}

/// Every batch of an event's codes.
#[derive(Serialize, ToSchema)]
pub(crate) struct BatchesBody {
    /// The oldest first.
    items: Vec<BatchStateBody>,
}

/// A code, as it was typed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeQueryBody {
    code: String,
}

/// A code that is to be revoked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevocationBody {
    code: String,
    /// Why: it goes into the room's log.
    reason: String,
}

/// What became of a code.
#[derive(Serialize, ToSchema)]
pub(crate) struct CodeBody {
    #[serde(flatten)]
    batch: BatchBody,
    /// Which one of its batch, from 0.
    number: u32,
    /// How many accounts have used it.
    used: u32,
    /// Null where it is not.
    revoked_at: Option<Timestamp>,
}

impl From<CodeBatch> for BatchBody {
    fn from(CodeBatch { number, kind, codes, uses, valid_from, valid_until }: CodeBatch) -> Self {
        Self { batch: number, kind, codes, uses, valid_from, valid_until }
    }
}

impl From<CodeBatchState> for BatchStateBody {
    fn from(CodeBatchState { batch, made_at, used, revoked }: CodeBatchState) -> Self {
        Self { batch: batch.into(), made_at, used, revoked }
    }
}

impl From<CodeState> for CodeBody {
    fn from(CodeState { batch, number, used, revoked_at }: CodeState) -> Self {
        Self { batch: batch.into(), number, used, revoked_at }
    }
}

/// Every batch of codes that were made, and how often they were used.
#[utoipa::path(get, path = "/v1/events/{event}/queue/codes", operation_id = "list_codes", tag = TAG, security(("access" = [])),
    params(("event" = Uuid, Path)), responses(
    (status = 200, body = BatchesBody),
    (status = 403, body = ProblemDocument),
    (status = 404, body = ProblemDocument),
))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(event): Path<EventId>,
) -> Result<axum::Json<BatchesBody>, Problem> {
    app.catalog.access(&caller.subject(), Action::ListCodes, event).await?;
    let batches = app.waiting_room.code_batches(event).await?;
    Ok(axum::Json(BatchesBody { items: batches.into_iter().map(Into::into).collect() }))
}

/// Makes codes that let their holders join while the room asks for a code. They are told this once; repeating it makes other ones.
#[utoipa::path(post, path = "/v1/events/{event}/queue/codes", operation_id = "make_codes", tag = TAG, security(("access" = [])),
    params(("event" = Uuid, Path)), request_body = NewCodesBody, responses(
    (status = 201, body = MadeBody),
    (status = 403, body = ProblemDocument),
    (status = 404, body = ProblemDocument),
    (status = 422, body = ProblemDocument),
))]
pub(crate) async fn make(
    State(app): State<App>,
    caller: Caller,
    Path(event): Path<EventId>,
    Json(body): Json<NewCodesBody>,
) -> Result<impl IntoResponse, Problem> {
    app.catalog.access(&caller.subject(), Action::MakeCodes, event).await?;
    let NewCodesBody { kind, codes, uses, valid_from, valid_until, reason } = body;
    let new = NewCodes { kind, codes, uses: uses.unwrap_or(1), valid_from, valid_until, reason: checked_reason(&reason)? };
    let made = app.waiting_room.make_codes(event, new, caller.account).await?;
    let body = MadeBody { batch: made.batch.into(), texts: made.codes };
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], axum::Json(body)))
}

/// What became of one code: for whoever is asked why it does not work.
#[utoipa::path(post, path = "/v1/events/{event}/queue/codes/look-up", operation_id = "look_up_code", tag = TAG, security(("access" = [])),
    params(("event" = Uuid, Path)), request_body = CodeQueryBody, responses(
    (status = 200, body = CodeBody),
    (status = 403, body = ProblemDocument),
    (status = 404, description = "code_not_found, event_not_found", body = ProblemDocument),
))]
pub(crate) async fn look_up(
    State(app): State<App>,
    caller: Caller,
    Path(event): Path<EventId>,
    Json(body): Json<CodeQueryBody>,
) -> Result<axum::Json<CodeBody>, Problem> {
    app.catalog.access(&caller.subject(), Action::LookUpCode, event).await?;
    let code = app.waiting_room.code(event, &body.code).await.map_err(not_found)?;
    Ok(axum::Json(code.into()))
}

/// No one joins by this code any more; who did stays in line. Revoking it again changes nothing.
#[utoipa::path(post, path = "/v1/events/{event}/queue/codes/revoke", operation_id = "revoke_code", tag = TAG, security(("access" = [])),
    params(("event" = Uuid, Path)), request_body = RevocationBody, responses(
    (status = 200, body = CodeBody),
    (status = 403, body = ProblemDocument),
    (status = 404, description = "code_not_found, event_not_found", body = ProblemDocument),
    (status = 422, body = ProblemDocument),
))]
pub(crate) async fn revoke(
    State(app): State<App>,
    caller: Caller,
    Path(event): Path<EventId>,
    Json(body): Json<RevocationBody>,
) -> Result<axum::Json<CodeBody>, Problem> {
    app.catalog.access(&caller.subject(), Action::RevokeCode, event).await?;
    let reason = checked_reason(&body.reason)?;
    let code = app.waiting_room.revoke_code(event, &body.code, caller.account, &reason).await.map_err(not_found)?;
    Ok(axum::Json(code.into()))
}

/// To an organizer, a code that is none is one that is not there.
fn not_found(error: QueueError) -> Problem {
    match error {
        QueueError::Entry(EntryRefusal::CodeInvalid) => {
            Problem::new(ProblemCode::CodeNotFound, "This is no code of this event. Compare it with what was given out.")
                .with_error(FieldError::pointer("/code", "is no code of this event: compare it with what was given out"))
        }
        error => error.into(),
    }
}
