//! `GET /v1/events/{event}/queue/stream`

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream;
use goticket_domain::EventId;
use goticket_domain::policy::Action;
use serde::Deserialize;
use tokio::time::Instant;
use utoipa::IntoParams;

use super::{TAG, authenticated, place_ticket};
use crate::app::follow_board::{Follower, News, Over};
use crate::inbound::parts::{Path, Query};
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::inbound::sse;
use crate::services::App;

/// Whose place.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct StreamQuery {
    /// The place ticket, where the client cannot send headers. It is in no log.
    ticket: Option<String>,
}

/// The room's boards as they come, as server-sent events; an event's id names the board.
///
/// `board`: what the board's own address answers, from which the ticket's holder computes their place (docs/CLIENTS.md). Who reads slowly
/// misses those between. With the board read last as `Last-Event-ID` it comes only if it is newer. `drawn` (ask for the place: the answer has
/// a ticket that says the rank, to come back with), `turn` (claim now), `passed` (a claim tells what became of the place) or
/// `closed`, with `{}`: the last event. 204: nothing has come after it, do not come back. The
/// stream also ends after some minutes: open it again.
#[utoipa::path(get, path = "/v1/events/{event}/queue/stream", operation_id = "stream_board", tag = TAG, security(()), params(("event" = Uuid, Path), StreamQuery,
    ("Place-Ticket" = Option<String>, Header, description = "or as `ticket` in the query"),
    ("Last-Event-ID" = Option<String>, Header, description = "of the event read last")), responses(
    (status = 200, description = "events board, drawn, turn, passed and closed", content_type = "text/event-stream", body = String),
    (status = 204, description = "nothing has come since the last event: do not come back"),
    (status = 403, description = "place_ticket_invalid", body = ProblemDocument),
    (status = 404, body = ProblemDocument),
    (status = 429, description = "too_many_streams", body = ProblemDocument),
    (status = 503, description = "also streams_full", body = ProblemDocument),
))]
pub(crate) async fn stream(
    State(app): State<App>,
    Path(event): Path<EventId>,
    Query(query): Query<StreamQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let ticket = match &query.ticket {
        Some(text) => authenticated(&app, text, event)?,
        None => place_ticket(&app, &headers, event)?.0,
    };
    super::board(&app, Action::StreamBoard, event).await?;
    let slot = app.board_streams.take((event, ticket.place))?;
    let last = sse::last_event_id(&headers);
    let read = last.and_then(|version| version.parse().ok());
    let follower = Follower::new(app.boards.follow(event)?, ticket, read, Instant::now());
    // Who was told so needs not be told again: they would come back for ever.
    if follower.over().is_some_and(|over| last == Some(name(over))) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let events = stream::unfold(follower, |mut follower| async move {
        let news = follower.next(Instant::now).await?;
        Some((written(&news), follower))
    });
    Ok(sse::answer_shared(&app, slot, events))
}

fn written(news: &News) -> Bytes {
    match news {
        News::Board(version, seen) => seen.event(version).clone(),
        News::Over(over) => format!("event: {0}\nid: {0}\ndata: {{}}\n\n", name(*over)).into(),
    }
}

fn name(over: Over) -> &'static str {
    match over {
        Over::Drawn => "drawn",
        Over::Turn => "turn",
        Over::Passed => "passed",
        Over::Closed => "closed",
    }
}
