//! Server-sent events (HTML standard, section 9.2): what all streams have in common. A stream ends by itself after [`LIFE_MAX`], with the
//! token it was opened with, or when the process does; the client then opens it again with the `Last-Event-ID` it has seen.
//!
//! Nothing grows with a slow reader: what it has not taken waits in a channel of [`QUEUED_MAX`] events, and who takes none for
//! [`PATIENCE`] is let go; what is on its way to them, [`goticket_platform::http`] gives up.

use std::convert::Infallible;
use std::ops::RangeInclusive;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use goticket_platform::http::Lasting;
use goticket_tokens::LEEWAY_SECONDS;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::parts::header_text;
use crate::services::App;

/// Between two signs of life of a stream without news. Proxies give up connections that are silent for a minute, some after half of it.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A comment, which clients pass over.
const SILENT: &[u8] = b":\n\n";
/// Longest life of a stream. Without an end, the readers of a gateway that came late to the load balancer would never move to it.
const LIFE_MAX: Duration = Duration::from_mins(15);
/// Events on their way to one reader, besides what the connection holds.
const QUEUED_MAX: usize = 8;
/// How long a reader may take nothing while something waits for it.
const PATIENCE: Duration = Duration::from_secs(30);
/// When the client is to open a stream again that ended. Spread, so that not all of a gateway's readers come back in the same moment.
const RETRY_MS: RangeInclusive<u64> = 2_000..=5_000;

/// Proxies that know it pass each event on at once.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Where a stream's events go.
pub(crate) struct Outlet {
    sender: mpsc::Sender<Event>,
    patience: Duration,
}

/// The reader took nothing for too long, or is not there any more.
#[derive(Debug)]
pub(crate) struct Unread;

impl Outlet {
    /// Passes an event on, as soon as the reader has taken enough of those before.
    pub(crate) async fn send(&self, event: Event) -> Result<(), Unread> {
        timeout(self.patience, self.sender.send(event)).await.map_err(|_| Unread)?.map_err(|_| Unread)
    }
}

/// Answers with a stream of what `write` sends. `slot` is given back when it ends, whatever ended it; `expires_at` is the end of the
/// token it was opened with.
pub(crate) fn answer<S, W, F>(app: &App, slot: S, expires_at: Option<Timestamp>, write: W) -> Response
where
    S: Send + 'static,
    W: FnOnce(Outlet) -> F,
    F: Future<Output = Result<(), Unread>> + Send + 'static,
{
    let (sender, mut events) = mpsc::channel(QUEUED_MAX);
    let life = life(expires_at, app.now());
    let (reader, ending, end) = (sender.clone(), app.ending.clone(), Instant::now() + life);
    let written = write(Outlet { sender, patience: PATIENCE });
    tokio::spawn(async move {
        tokio::select! {
            written = written => if written.is_err() {
                tracing::debug!("a stream's reader is let go");
            },
            () = reader.closed() => {}
            () = sleep_until(end) => {}
            () = ending.cancelled() => {}
        }
        drop(slot);
    });
    let hint = Event::default().retry(Duration::from_millis(rand::random_range(RETRY_MS)));
    let events = stream::once(std::future::ready(hint)).chain(stream::poll_fn(move |cx| events.poll_recv(cx)));
    let body = Sse::new(events.map(Ok::<_, Infallible>)).keep_alive(KeepAlive::new().interval(HEARTBEAT));
    let headers =
        [(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")), (UNBUFFERED, HeaderValue::from_static("no"))];
    (Extension(Lasting), headers, body).into_response()
}

/// Answers with a stream of events that thousands are sent alike: they are written already, and shared. A reader costs no task and no
/// queue; what a slow one does not take in time is for `events` to leave out.
pub(crate) fn answer_shared<S, E>(app: &App, slot: S, events: E) -> Response
where
    S: Send + 'static,
    E: Stream<Item = Bytes> + Send + 'static,
{
    let hint = Bytes::from(format!("retry: {}\n\n", rand::random_range(RETRY_MS)));
    let ending = app.ending.clone();
    let end = async move {
        tokio::select! {
            () = sleep_until(Instant::now() + LIFE_MAX) => {}
            () = ending.cancelled() => {}
        }
    };
    let alive = stream::unfold((Box::pin(events), slot), |(mut events, slot)| async move {
        let event = timeout(HEARTBEAT, events.next()).await.unwrap_or(Some(Bytes::from_static(SILENT)))?;
        Some((event, (events, slot)))
    });
    let body = stream::once(std::future::ready(hint)).chain(alive).take_until(Box::pin(end)).map(Ok::<_, Infallible>);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
        (UNBUFFERED, HeaderValue::from_static("no")),
    ];
    (Extension(Lasting), headers, Body::from_stream(body)).into_response()
}

/// The id of the event a client has seen last.
pub(crate) fn last_event_id(headers: &HeaderMap) -> Option<&str> {
    header_text(headers, "last-event-id")
}

/// Until the token is refused, [`LIFE_MAX`] at most.
fn life(expires_at: Option<Timestamp>, now: Timestamp) -> Duration {
    let left = expires_at.map(|at| at.as_second().saturating_add(LEEWAY_SECONDS).saturating_sub(now.as_second()));
    left.map_or(LIFE_MAX, |seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0)).min(LIFE_MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_stream_lives_as_long_as_its_token_and_a_named_time_at_most() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let at = |seconds: i64| Some(Timestamp::from_second(1_000_000 + seconds).unwrap());
        let most = i64::try_from(LIFE_MAX.as_secs()).unwrap();
        let rows = [
            (None, most),
            (at(most), most),
            (at(most - LEEWAY_SECONDS), most),
            (at(most - LEEWAY_SECONDS - 1), most - 1),
            (at(10), 10 + LEEWAY_SECONDS),
            (at(1 - LEEWAY_SECONDS), 1),
            (at(-LEEWAY_SECONDS), 0),
            (at(-1_000), 0),
        ];
        for (expires_at, seconds) in rows {
            assert_eq!(life(expires_at, now).as_secs(), u64::try_from(seconds).unwrap(), "{expires_at:?}");
        }
    }

    #[tokio::test]
    async fn who_takes_nothing_is_let_go_and_nothing_grows_meanwhile() {
        let (sender, mut events) = mpsc::channel(QUEUED_MAX);
        let outlet = Outlet { sender, patience: Duration::from_millis(10) };
        let news = || Event::default().data("news");
        for _ in 0..QUEUED_MAX {
            outlet.send(news()).await.unwrap();
        }
        outlet.send(news()).await.unwrap_err();
        assert_eq!(events.len(), QUEUED_MAX);
        drop(events.recv().await.unwrap());
        outlet.send(news()).await.unwrap();
        drop(events);
        outlet.send(news()).await.unwrap_err();
    }
}
