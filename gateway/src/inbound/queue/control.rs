//! `GET|PATCH /v1/events/{event}/queue/control`

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use goticket_domain::EventId;
use goticket_domain::queue::{ControlChange, RoomControl, RoomState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::TAG;
use super::if_match::{IfMatch, etag};
use crate::inbound::caller::Staff;
use crate::inbound::json::Json;
use crate::inbound::parts::Path;
use crate::inbound::problem::{FieldError, Problem, ProblemDocument};
use crate::services::App;

/// Longest reason, in characters.
const REASON_CHARS_MAX: usize = 500;

/// What operators see.
#[derive(Serialize, ToSchema)]
pub(crate) struct ControlBody {
    #[schema(value_type = String)]
    state: RoomState,
    settings: SettingsBody,
    /// Places in line.
    waiting: u64,
    /// Admitted so far.
    admitted: u64,
    /// Inside now.
    active: u64,
}

/// What operators set.
#[derive(Serialize, ToSchema)]
pub(crate) struct SettingsBody {
    rate_per_min: u32,
    burst: u32,
    active_cap: u32,
    claim_window_s: u32,
    session_s: u32,
    /// Whoever is inside may buy.
    selling: bool,
    message: String,
}

/// What is to be changed; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ControlChangeBody {
    /// `lobby`, `open`, `paused`, `draining` or `closed`.
    #[schema(value_type = Option<String>)]
    state: Option<RoomState>,
    rate_per_min: Option<u32>,
    burst: Option<u32>,
    active_cap: Option<u32>,
    claim_window_s: Option<u32>,
    session_s: Option<u32>,
    /// False stops buying within a second, also for those who are inside.
    selling: Option<bool>,
    message: Option<String>,
    /// Why: it goes into the room's log.
    reason: String,
}

impl From<RoomControl> for ControlBody {
    fn from(control: RoomControl) -> Self {
        let set = control.settings;
        let settings = SettingsBody {
            rate_per_min: set.rate_per_min,
            burst: set.burst,
            active_cap: set.active_cap,
            claim_window_s: set.claim_window_s,
            session_s: set.session_s,
            selling: set.selling,
            message: set.message,
        };
        let RoomControl { state, waiting, admitted, active, .. } = control;
        Self { state, settings, waiting, admitted, active }
    }
}

type Shown = ([(header::HeaderName, HeaderValue); 1], axum::Json<ControlBody>);

fn shown(control: RoomControl) -> Shown {
    ([(header::ETAG, etag(control.revision))], axum::Json(control.into()))
}

/// How the room stands. The ETag names state and settings, whatever the counts beside them: show it in `If-Match` with a change.
#[utoipa::path(get, path = "/v1/events/{event}/queue/control", tag = TAG, security(("access" = [])),
    params(("event" = Uuid, Path)), responses(
    (status = 200, body = ControlBody, headers(("ETag" = String, description = "the revision of state and settings"))),
    (status = 403, body = ProblemDocument),
    (status = 404, body = ProblemDocument),
))]
pub(crate) async fn show(
    State(app): State<App>,
    Staff(caller): Staff,
    Path(event): Path<EventId>,
) -> Result<Shown, Problem> {
    app.catalog.managed(event, caller).await?;
    Ok(shown(app.waiting_room.control(event).await?))
}

/// Changes the room's state or settings; who, when and why goes into its log. Opening a lobby begins the sale now: `state` stays
/// `lobby` until the order is drawn, which takes longer than this answer where millions take part. With `If-Match`, of operators who
/// change the room at the same time one succeeds; without it, the last one does.
#[utoipa::path(patch, path = "/v1/events/{event}/queue/control", tag = TAG, security(("access" = [])),
    params(("event" = Uuid, Path),
        ("If-Match" = Option<String>, Header, description = "the ETag of the control that the change was decided with")),
    request_body = ControlChangeBody, responses(
    (status = 200, body = ControlBody, headers(("ETag" = String, description = "the revision of state and settings"))),
    (status = 403, body = ProblemDocument),
    (status = 412, body = ProblemDocument, description = "the room was changed meanwhile; nothing of this change was made"),
    (status = 422, body = ProblemDocument),
))]
pub(crate) async fn change(
    State(app): State<App>,
    Staff(caller): Staff,
    Path(event): Path<EventId>,
    headers: HeaderMap,
    Json(body): Json<ControlChangeBody>,
) -> Result<Shown, Problem> {
    app.catalog.managed(event, caller).await?;
    let if_match = IfMatch::read(&headers)?;
    let reason = body.reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX || reason.chars().any(char::is_control) {
        let message = format!("must have 1 to {REASON_CHARS_MAX} characters, none of them control characters");
        return Err(Problem::invalid(vec![FieldError::pointer("/reason", message)]));
    }
    let change = ControlChange {
        state: body.state,
        rate_per_min: body.rate_per_min,
        burst: body.burst,
        active_cap: body.active_cap,
        claim_window_s: body.claim_window_s,
        session_s: body.session_s,
        selling: body.selling,
        message: body.message,
        reason: reason.to_owned(),
        if_revision: if_match.revision(),
    };
    Ok(shown(app.waiting_room.set_control(event, change, caller.account).await?))
}
