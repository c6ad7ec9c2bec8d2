//! `GET /v1/events/{event}/queue/statistics`

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use goticket_domain::EventId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::TAG;
use crate::app::caller::Caller;
use crate::app::queue_statistics::{Interval, queue_statistics};
use crate::inbound::parts::{Path, Query, header_text, page_size_to};
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// Most intervals of one answer: an hour.
const INTERVALS_MAX: u32 = 360;
const CSV: &str = "text/csv";

/// Which intervals.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatisticsQuery {
    /// Only intervals that end after this time: the `at` of the last one of the page before.
    after: Option<Timestamp>,
    /// 1 to 360 intervals; 360 if it is left out.
    limit: Option<u32>,
}

/// How the room went.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatisticsBody {
    /// Earliest first.
    items: Vec<IntervalBody>,
}

/// One interval: ten seconds, or longer where no one owned the room meanwhile.
#[derive(Serialize, ToSchema)]
pub(crate) struct IntervalBody {
    /// Its end; it begins where the one before ends.
    at: Timestamp,
    /// Places taken.
    joined: u64,
    /// Places and sessions given back.
    left: u64,
    /// Turns that came.
    admitted: u64,
    /// Turns that were claimed.
    claimed: u64,
    /// Turns that were over unclaimed, or given back.
    no_shows: u64,
    /// Fans who came back after their turn had passed, and whose turn comes once more.
    deferred: u64,
    /// In line at its end.
    waiting: u64,
    /// Inside at its end.
    inside: u64,
    /// The rate in force at its end.
    rate_per_min: u32,
}

impl From<Interval> for IntervalBody {
    fn from(interval: Interval) -> Self {
        let Interval { at, joined, left, admitted, claimed, no_shows, deferred, waiting, inside, rate_per_min } = interval;
        Self { at, joined, left, admitted, claimed, no_shows, deferred, waiting, inside, rate_per_min }
    }
}

/// How the waiting room went, interval by interval: the last week is kept. With `Accept: text/csv` a table.
#[utoipa::path(get, path = "/v1/events/{event}/queue/statistics", operation_id = "show_statistics", tag = TAG, security(("access" = [])),
    params(("event" = Uuid, Path), StatisticsQuery), responses(
    (status = 200, content((StatisticsBody = "application/json"), (String = "text/csv"))),
    (status = 403, body = ProblemDocument),
))]
pub(crate) async fn statistics(
    State(app): State<App>,
    caller: Caller,
    Path(event): Path<EventId>,
    Query(query): Query<StatisticsQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = page_size_to(INTERVALS_MAX, query.limit)?;
    let after = query.after.unwrap_or(Timestamp::UNIX_EPOCH);
    let intervals = queue_statistics(&app, &caller.subject(), event, after, limit).await?;
    if header_text(&headers, header::ACCEPT.as_str()).is_some_and(|accept| accept.contains(CSV)) {
        return Ok(([(header::CONTENT_TYPE, CSV)], csv(&intervals)).into_response());
    }
    Ok(axum::Json(StatisticsBody { items: intervals.into_iter().map(IntervalBody::from).collect() }).into_response())
}

/// By RFC 4180. Numbers and times need no quotes.
fn csv(intervals: &[Interval]) -> String {
    let mut text = "at,joined,left,admitted,claimed,no_shows,waiting,inside,rate_per_min,deferred\r\n".to_owned();
    for Interval { at, joined, left, admitted, claimed, no_shows, deferred, waiting, inside, rate_per_min } in intervals {
        let _ =
            write!(text, "{at},{joined},{left},{admitted},{claimed},{no_shows},{waiting},{inside},{rate_per_min},{deferred}\r\n");
    }
    text
}
