//! `GET|PATCH /v1/events/{event}/queue/control`

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use goticket_domain::EventId;
use goticket_domain::identity::Assurance;
use goticket_domain::policy::Action;
use goticket_domain::queue::{
    AtOnce, AutoChange, AutoLimits, CodeRule, ControlChange, Drain, EntryChange, Health, HeldUp, RoomControl, RoomMode,
    RoomState, WhatIf, WhenDown,
};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::TAG;
use super::if_match::{IfMatch, etag};
use crate::app::caller::Caller;
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
    /// What holds the line up: `paused`, `rate_zero`, `awaiting_draw`, `sold_out`, `seats_held`, `cap_reached`, `pipeline_slow` or
    /// `stores_away`; null where nothing does.
    #[schema(value_type = Option<String>)]
    held_up_by: Option<HeldUp>,
    /// Of a room in the mode `shadow`: how many would wait; null otherwise.
    would_wait: Option<u64>,
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
    /// The room closes by itself when everything is sold; otherwise it says so, and stays open for seats that are returned.
    close_when_sold_out: bool,
    /// `queue`, or `shadow`: everyone is let in at once, and what is set is measured.
    #[schema(value_type = String)]
    mode: RoomMode,
    /// While fewer join in a minute and no one waits, who joins has their turn at once; null: never.
    open_below: Option<u32>,
    /// `fail_closed`, or `fail_open`: gateways that have lost the waiting room let whoever is logged in ask for seats.
    #[schema(value_type = String)]
    when_down: WhenDown,
    /// The highest number that may solve the challenge of a join; 0 where no proof of work is asked for.
    proof_of_work: u32,
    /// `open`, or `code`: it takes one to join.
    #[schema(value_type = String)]
    entry: EntryKind,
    /// When it takes none any more; null where operators end it.
    code_until: Option<Timestamp>,
    /// `account`, or `verified_email`: one place for each person with a verified address.
    #[schema(value_type = String)]
    identity: Assurance,
    /// The largest group that may stand in one place; 0 where the room has none.
    groups: u8,
}

/// Whether it takes a code to join.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EntryKind {
    Open,
    Code,
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
    /// True closes the room, for good, when everything is sold and nothing is held.
    close_when_sold_out: Option<bool>,
    /// `queue` or `shadow`.
    #[schema(value_type = Option<String>)]
    mode: Option<RoomMode>,
    /// 1 to 6000; null ends it.
    #[serde(default, deserialize_with = "given_number")]
    #[schema(value_type = Option<u32>)]
    open_below: Option<AtOnce>,
    /// `fail_closed` or `fail_open`.
    #[schema(value_type = Option<String>)]
    when_down: Option<WhenDown>,
    /// Asks a proof of work of who joins: of a cost of 1000 to 5000000, the highest number to try; 0 ends it.
    proof_of_work: Option<u32>,
    /// `code` takes one to join, until `code_until` or until operators end it; `open` takes none.
    #[schema(value_type = Option<String>)]
    entry: Option<EntryKind>,
    /// With `code`: when the public sale begins.
    code_until: Option<Timestamp>,
    /// `account` takes one account, `verified_email` a verified address, with one place for each person.
    #[schema(value_type = Option<String>)]
    identity: Option<Assurance>,
    /// The largest group that may stand in one place: 2 to 8, and no larger than an account's seats; 0 allows none. Set before the lobby opens.
    groups: Option<u8>,
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

fn given_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<AtOnce>, D::Error> {
    let joins: Option<u32> = Option::deserialize(deserializer)?;
    Ok(Some(joins.map_or(AtOnce::Never, AtOnce::Below)))
}

impl From<RoomControl> for ControlBody {
    fn from(control: RoomControl) -> Self {
        let set = control.settings;
        let (entry, code_until) = match set.entry.code {
            CodeRule::Open => (EntryKind::Open, None),
            CodeRule::Code { until } => (EntryKind::Code, until),
        };
        let settings = SettingsBody {
            rate_per_min: set.rate_per_min,
            auto: set.auto.map(Into::into),
            burst: set.burst,
            active_cap: set.active_cap,
            claim_window_s: set.claim_window_s,
            session_s: set.session_s,
            selling: set.selling,
            message: set.message,
            close_when_sold_out: set.close_when_sold_out,
            mode: set.mode,
            open_below: set.open_below,
            when_down: set.when_down,
            proof_of_work: set.entry.proof_of_work,
            entry,
            code_until,
            identity: set.entry.identity,
            groups: set.entry.groups,
        };
        let RoomControl { state, rate_in_force_per_min, pipeline, waiting, admitted, active, held_up_by, would_wait, .. } =
            control;
        Self { state, settings, rate_in_force_per_min, pipeline, waiting, admitted, active, held_up_by, would_wait }
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

/// Why something is changed, for the room's log.
pub(super) fn checked_reason(reason: &str) -> Result<String, Problem> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX || reason.chars().any(char::is_control) {
        let message = format!("must have 1 to {REASON_CHARS_MAX} characters, none of them control characters");
        return Err(Problem::invalid(vec![FieldError::pointer("/reason", message)]));
    }
    Ok(reason.to_owned())
}

/// A time belongs to a room that asks for codes.
fn code_rule(entry: Option<EntryKind>, until: Option<Timestamp>) -> Result<Option<CodeRule>, Problem> {
    match (entry, until) {
        (Some(EntryKind::Code), until) => Ok(Some(CodeRule::Code { until })),
        (Some(EntryKind::Open), None) => Ok(Some(CodeRule::Open)),
        (None, None) => Ok(None),
        (_, Some(_)) => {
            let message = "belongs to a room that asks for codes: send it with \"entry\": \"code\"";
            Err(Problem::invalid(vec![FieldError::pointer("/code_until", message)]))
        }
    }
}

/// How the room stands. The ETag names state and settings, whatever the counts beside them: show it in `If-Match` with a change.
#[utoipa::path(get, path = "/v1/events/{event}/queue/control", operation_id = "show_control", tag = TAG, security(("access" = [])),
    params(("event" = Uuid, Path)), responses(
    (status = 200, body = ControlBody, headers(("ETag" = String, description = "the revision of state and settings"))),
    (status = 403, body = ProblemDocument),
    (status = 404, body = ProblemDocument),
))]
pub(crate) async fn show(State(app): State<App>, caller: Caller, Path(event): Path<EventId>) -> Result<Shown, Problem> {
    app.catalog.access(&caller.subject(), Action::ShowControl, event).await?;
    Ok(shown(app.waiting_room.control(event).await?))
}

/// Changes the room's state or settings; who, when and why goes into its log. Opening a lobby begins the sale now: `state` stays
/// `lobby` until the order is drawn, which takes longer than this answer where millions take part. With `If-Match`, of operators who
/// change the room at the same time one succeeds; without it, the last one does. With `what_if` nothing is changed, and told what would be.
#[utoipa::path(patch, path = "/v1/events/{event}/queue/control", operation_id = "change_control", tag = TAG, security(("access" = [])),
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
    caller: Caller,
    Path(event): Path<EventId>,
    Query(query): Query<ChangeQuery>,
    headers: HeaderMap,
    Json(body): Json<ControlChangeBody>,
) -> Result<Response, Problem> {
    app.catalog.access(&caller.subject(), Action::ChangeControl, event).await?;
    let if_match = IfMatch::read(&headers)?;
    let (reason, code) = (checked_reason(&body.reason)?, code_rule(body.entry, body.code_until)?);
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
        close_when_sold_out: body.close_when_sold_out,
        mode: body.mode,
        open_below: body.open_below,
        when_down: body.when_down,
        reason,
        if_revision: if_match.revision(),
        entry: EntryChange { proof_of_work: body.proof_of_work, code, identity: body.identity, groups: body.groups },
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
