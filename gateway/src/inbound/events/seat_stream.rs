//! `GET /v1/events/{event}/seats/stream`

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::response::sse::Event;
use goticket_domain::EventId;
use goticket_domain::policy::Action;

use super::TAG;
use crate::app::caller::subject;
use crate::app::seat_feeds::{SeatChange, SeatReader};
use crate::inbound::caller::Session;
use crate::inbound::parts::Path;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::inbound::sse::{self, Outlet, Unread};
use crate::services::App;

/// The changes of a seat map as they come, as server-sent events; an event's id is the map's version after it.
///
/// `map` with `{"version"}`: read the seat map, until it has at least this version. It comes first, and whenever changes were missed or
/// the map was replaced. `delta` with `{"previous", "version", "changes": [[seat, state], …]}`, states as in the map: leads from the
/// version `previous` to `version`; leave it out if the map read is as new already. With the version read last as `Last-Event-ID`, and
/// nothing missed, there is no `map` at first. The stream ends after some minutes: open it again.
#[utoipa::path(get, path = "/v1/events/{event}/seats/stream", operation_id = "stream_seats", tag = TAG, security((), ("access" = [])),
    params(("event" = Uuid, Path), ("Last-Event-ID" = Option<String>, Header, description = "the version read last")), responses(
    (status = 200, description = "events map and delta", content_type = "text/event-stream", body = String),
    (status = 404, body = ProblemDocument),
    (status = 429, description = "too_many_streams", body = ProblemDocument),
    (status = 503, description = "also streams_full", body = ProblemDocument),
))]
pub(crate) async fn stream(
    State(app): State<App>,
    session: Option<Session>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(id): Path<EventId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let subject = subject(session.map(|session| session.caller));
    app.catalog.with_seats(&subject, Action::StreamSeats, id).await?;
    let slot = app.seat_streams.take(app.addresses.network(peer, &headers))?;
    let known = sse::last_event_id(&headers).and_then(|version| version.parse().ok());
    let reader = app.seat_feeds.follow(id, known).await?;
    Ok(sse::answer(&app, slot, session.map(|session| session.expires_at), |outlet| pass_on(reader, outlet)))
}

async fn pass_on(mut reader: SeatReader, outlet: Outlet) -> Result<(), Unread> {
    while let Some(change) = reader.next().await {
        let event = match change {
            SeatChange::Delta(delta) => Event::default().event("delta").id(delta.version.to_string()).data(&delta.json),
            SeatChange::Map { version } => {
                Event::default().event("map").id(version.to_string()).data(format!("{{\"version\":{version}}}"))
            }
        };
        outlet.send(event).await?;
    }
    Ok(())
}
