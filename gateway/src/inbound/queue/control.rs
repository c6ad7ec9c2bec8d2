//! `GET|PATCH /v1/events/{event}/queue/control`

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use goticket_domain::EventId;
use goticket_domain::queue::{AutoChange, AutoLimits, ControlChange, Drain, Health, RoomControl, RoomState, WhatIf};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::TAG;
use super::if_match::{IfMatch, etag};
use crate::inbound::caller::Staff;
use crate::inbound::json::Json;
use crate::inbound::parts::{Path, Query};
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
    /// The rate in force: the set one, or where the automatic one stands.
    rate_in_force_per_min: u32,
    /// How the booking pipeline of the event does; null where nothing was heard of it for ten seconds: then an automatic rate does not
    /// rise.
    #[schema(value_type = Option<PipelineBody>)]
    pipeline: Option<Health>,
    /// Places in line.
    waiting: u64,
    /// Admitted so far.
    admitted: u64,
    /// Inside now.
    active: u64,
}

/// How the booking pipeline does.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the domain's type")]
pub(crate) struct PipelineBody {
    /// Age of the oldest request that is not decided.
    queue_age_ms: u64,
    /// How long a commit takes (p99 of the last seconds).
    commit_ms: u64,
    /// Of a million attempts to decide, how many failed by our fault in the last seconds.
    errors_per_million: u32,
}

/// Between which the rate moves by itself: up while the booking pipeline is calm, down where it is strained.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AutoBody {
    /// The lowest, 1 to 600000.
    low_per_min: u32,
    /// The highest, from the lowest to 600000.
    high_per_min: u32,
}

/// What operators set.
#[derive(Serialize, ToSchema)]
pub(crate) struct SettingsBody {
    /// In force where `auto` is null.
    rate_per_min: u32,
    /// Null where operators set the rate.
    auto: Option<AutoBody>,
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
    /// In force from then on: it ends an automatic rate, unless `auto` is there too.
    rate_per_min: Option<u32>,
    /// Null ends the automatic rate: `rate_per_min` is in force.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<AutoBody>)]
    auto: Option<AutoChange>,
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

impl From<AutoLimits> for AutoBody {
    fn from(AutoLimits { low_per_min, high_per_min }: AutoLimits) -> Self {
        Self { low_per_min, high_per_min }
    }
}

impl From<AutoBody> for AutoLimits {
    fn from(AutoBody { low_per_min, high_per_min }: AutoBody) -> Self {
        Self { low_per_min, high_per_min }
    }
}

/// A member that is there: null says something else than nothing.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<AutoChange>, D::Error> {
    let limits: Option<AutoBody> = Option::deserialize(deserializer)?;
    Ok(Some(limits.map_or(AutoChange::Off, |limits| AutoChange::Between(limits.into()))))
}

impl From<RoomControl> for ControlBody {
    fn from(control: RoomControl) -> Self {
        let set = control.settings;
        let settings = SettingsBody {
            rate_per_min: set.rate_per_min,
            auto: set.auto.map(Into::into),
            burst: set.burst,
            active_cap: set.active_cap,
            claim_window_s: set.claim_window_s,
            session_s: set.session_s,
            selling: set.selling,
            message: set.message,
        };
        let RoomControl { state, rate_in_force_per_min, pipeline, waiting, admitted, active, .. } = control;
        Self { state, settings, rate_in_force_per_min, pipeline, waiting, admitted, active }
    }
}

type Shown = ([(header::HeaderName, HeaderValue); 1], axum::Json<ControlBody>);

fn shown(control: RoomControl) -> Shown {
    ([(header::ETAG, etag(control.revision))], axum::Json(control.into()))
}

/// Whether the change is made.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeQuery {
    /// True makes no change: the answer tells what it would do to the time in which the line drains.
    what_if: Option<bool>,
}

/// What a change came to, or would.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ChangeAnswer {
    Made(ControlBody),
    WhatIf(WhatIfBody),
}

/// What a change would do, by the line and its pace as they are now. It was not made.
#[derive(Serialize, ToSchema)]
pub(crate) struct WhatIfBody {
    /// What would change: `{"field": [before, after], …}`.
    change: serde_json::Value,
    /// Places in line.
    waiting: u64,
    /// As everything stands.
    #[schema(value_type = DrainBody)]
    now: Drain,
    /// After the change.
    #[schema(value_type = DrainBody)]
    then: Drain,
}

/// How long the line takes until the last one who waits now has their turn.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the domain's type")]
pub(crate) struct DrainBody {
    /// `empty` (no one waits), `never` (no one is admitted) or `within`.
    drains: String,
    /// Within: seconds, at the earliest.
    from_s: Option<u64>,
    /// Within: seconds, at the latest.
    to_s: Option<u64>,
}

/// How the room stands. The ETag names state and settings, whatever the counts beside them: show it in `If-Match` with a change.
#[utoipa::path(get, path = "/v1/events/{event}/queue/control", tag = TAG, security(("access" = [])),
    params(("event" = Uuid, Path)), responses(
    (status = 200, body = ControlBody, headers(("ETag" = String, description = "the revision of state and settings"))),
    (status = 403, body = ProblemDocument),
    (status = 404, body = ProblemDocument),
))]
pub(crate) async fn show(State(app): State<App>, Staff(caller): Staff, Path(event): Path<EventId>) -> Result<Shown, Problem> {
    app.catalog.managed(event, caller).await?;
    Ok(shown(app.waiting_room.control(event).await?))
}

/// Changes the room's state or settings; who, when and why goes into its log. Opening a lobby begins the sale now: `state` stays
/// `lobby` until the order is drawn, which takes longer than this answer where millions take part. With `If-Match`, of operators who
/// change the room at the same time one succeeds; without it, the last one does. With `what_if` nothing is changed, and told what would be.
#[utoipa::path(patch, path = "/v1/events/{event}/queue/control", tag = TAG, security(("access" = [])),
    params(("event" = Uuid, Path), ChangeQuery,
        ("If-Match" = Option<String>, Header, description = "the ETag of the control that the change was decided with")),
    request_body = ControlChangeBody, responses(
    (status = 200, body = ChangeAnswer, headers(("ETag" = String, description = "the revision of state and settings"))),
    (status = 403, body = ProblemDocument),
    (status = 412, body = ProblemDocument, description = "the room was changed meanwhile; nothing of this change was made"),
    (status = 422, body = ProblemDocument),
))]
pub(crate) async fn change(
    State(app): State<App>,
    Staff(caller): Staff,
    Path(event): Path<EventId>,
    Query(query): Query<ChangeQuery>,
    headers: HeaderMap,
    Json(body): Json<ControlChangeBody>,
) -> Result<Response, Problem> {
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
        auto: body.auto,
        burst: body.burst,
        active_cap: body.active_cap,
        claim_window_s: body.claim_window_s,
        session_s: body.session_s,
        selling: body.selling,
        message: body.message,
        reason: reason.to_owned(),
        if_revision: if_match.revision(),
    };
    if query.what_if.unwrap_or(false) {
        let WhatIf { change, waiting, now, then } = app.waiting_room.what_if(event, change).await?;
        let change = serde_json::from_str(&change).unwrap_or_default();
        return Ok(axum::Json(ChangeAnswer::WhatIf(WhatIfBody { change, waiting, now, then })).into_response());
    }
    let control = app.waiting_room.set_control(event, change, caller.account).await?;
    let tag = [(header::ETAG, etag(control.revision))];
    Ok((tag, axum::Json(ChangeAnswer::Made(control.into()))).into_response())
}
