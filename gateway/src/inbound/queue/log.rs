//! `GET /v1/events/{event}/queue/log`

use axum::extract::State;
use goticket_domain::EventId;
use goticket_domain::policy::Action;
use goticket_domain::queue::LogEntry;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::TAG;
use crate::app::caller::Caller;
use crate::inbound::parts::{Path, Query, page_size};
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// How many.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogQuery {
    /// 1 to 100 entries; 100 if it is left out.
    limit: Option<u32>,
    /// Only entries before this number: that of the oldest one of the page before.
    before: Option<u64>,
}

/// A room's latest changes.
#[derive(Serialize, ToSchema)]
pub(crate) struct LogBody {
    /// Newest first.
    items: Vec<LogItem>,
}

/// One change. Each entry's hash covers the one before; where the log ends stands on the board, in `control_log`.
#[derive(Serialize, ToSchema)]
pub(crate) struct LogItem {
    number: u64,
    at: Timestamp,
    /// Null for the schedule.
    actor: Option<Uuid>,
    /// JSON, as it was hashed.
    change: String,
    reason: String,
    hash: String,
}

impl From<LogEntry> for LogItem {
    fn from(entry: LogEntry) -> Self {
        let LogEntry { number, at, actor, change, reason, hash } = entry;
        Self { number, at, actor: actor.map(|actor| actor.0), change, reason, hash }
    }
}

/// Who changed what, when and why.
#[utoipa::path(get, path = "/v1/events/{event}/queue/log", operation_id = "show_control_log", tag = TAG, security(("access" = [])),
    params(("event" = Uuid, Path), LogQuery), responses(
    (status = 200, body = LogBody),
    (status = 403, body = ProblemDocument),
))]
pub(crate) async fn log(
    State(app): State<App>,
    caller: Caller,
    Path(event): Path<EventId>,
    Query(query): Query<LogQuery>,
) -> Result<axum::Json<LogBody>, Problem> {
    let limit = page_size(query.limit)?;
    app.catalog.access(&caller.subject(), Action::ShowControlLog, event).await?;
    let entries = app.waiting_room.log(event, query.before, limit).await?;
    Ok(axum::Json(LogBody { items: entries.into_iter().map(LogItem::from).collect() }))
}
