//! Fans who ask one thing over kept connections, each of them another fan.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use futures::future::try_join_all;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::Full;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::{
    client::Client,
    latency::Latencies,
    rates::{Counter, Rates, count},
};

/// Connections made at once: more would overflow the server's queue of those it has not accepted.
const CONNECTED_AT_ONCE: usize = 100;

/// When fans come.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// The next as soon as a connection is free.
    Closed,
    /// So many per second, evenly. One that finds no connection free is sent late.
    Evenly(f64),
}

/// What is asked.
pub(super) struct Ask {
    method: Method,
    /// Where each fan asks, one after the other and again from the first.
    uris: Arc<Vec<Uri>>,
    host: HeaderValue,
    body: Bytes,
    /// What each fan shows, the n-th value of each header being the n-th fan's.
    shown: Arc<Vec<(HeaderName, Vec<HeaderValue>)>>,
    expected: StatusCode,
    /// Whether a fan who has asked may ask again, when all others have.
    again: bool,
    next: AtomicUsize,
}

/// What became of it.
pub(super) struct Driven {
    pub answered: u64,
    pub rates: Rates,
    /// From sent to answered.
    pub took: Latencies,
    /// From due to sent.
    pub late: Latencies,
    elapsed: Duration,
    ran_dry: bool,
}

/// One request: when it was due, sent and answered.
type Seen = (Duration, Duration, Duration);

impl Ask {
    pub(super) fn new(method: Method, uri: Uri, host: HeaderValue, expected: StatusCode) -> Self {
        let (body, shown, next) = (Bytes::new(), Arc::default(), AtomicUsize::new(0));
        Self { method, uris: Arc::new(vec![uri]), host, body, shown, expected, again: true, next }
    }

    /// At as many addresses as there are in both.
    pub(super) fn or(mut self, other: &Self) -> Self {
        Arc::make_mut(&mut self.uris).extend(other.uris.iter().cloned());
        self
    }

    pub(super) fn showing(mut self, name: HeaderName, values: Vec<HeaderValue>) -> Self {
        Arc::make_mut(&mut self.shown).push((name, values));
        self
    }

    pub(super) fn expecting(self, expected: StatusCode) -> Self {
        Self { expected, ..self }
    }

    pub(super) fn with_json(self, json: &serde_json::Value) -> Self {
        let content_type = HeaderValue::from_static("application/json");
        Self { body: json.to_string().into(), ..self }.showing(header::CONTENT_TYPE, vec![content_type])
    }

    /// The same for a handler that answers everything.
    pub(super) fn to_bare(&self) -> Arc<Self> {
        Arc::new(Self {
            method: self.method.clone(),
            uris: Arc::clone(&self.uris),
            host: self.host.clone(),
            body: self.body.clone(),
            shown: Arc::clone(&self.shown),
            expected: StatusCode::OK,
            again: true,
            next: AtomicUsize::new(0),
        })
    }

    pub(super) fn once_each(self) -> Self {
        Self { again: false, ..self }
    }

    /// The next fan's request; none where all have asked.
    fn request(&self) -> anyhow::Result<Option<Request<Full<Bytes>>>> {
        let fan = self.next.fetch_add(1, Ordering::Relaxed);
        let fans = self.shown.iter().map(|(_, values)| values.len()).max().unwrap_or(usize::MAX);
        if fan >= fans && !self.again {
            return Ok(None);
        }
        let uri = &self.uris[fan % self.uris.len()];
        let request = Request::builder().method(&self.method).uri(uri).header(header::HOST, &self.host);
        let mut request = request.body(Full::new(self.body.clone()))?;
        for (name, values) in self.shown.iter() {
            request.headers_mut().insert(name, values[fan % values.len()].clone());
        }
        Ok(Some(request))
    }

    /// The next fan's answer.
    pub(super) async fn answer(&self, client: &mut Client) -> anyhow::Result<Option<Bytes>> {
        let Some(request) = self.request()? else { return Ok(None) };
        let answer = client.send(request).await?;
        if answer.status != self.expected {
            let text: String = String::from_utf8_lossy(&answer.body).chars().take(200).collect();
            bail!("{} {} was answered {} {text}", self.method, self.uris[0].path(), answer.status);
        }
        Ok(Some(answer.body))
    }
}

impl Driven {
    pub(super) fn per_second(&self) -> f64 {
        count(self.answered) / self.elapsed.as_secs_f64()
    }

    /// On the clock, per answer.
    pub(super) fn us_each(&self) -> f64 {
        self.elapsed.as_secs_f64() * 1e6 / count(self.answered)
    }

    pub(super) fn flaws(&self) -> Vec<String> {
        let dry = self.ran_dry.then(|| "there were not enough fans for so long a run".to_owned());
        dry.into_iter().collect()
    }
}

/// Connections to one server.
pub(super) struct Crowd(Vec<Client>);

impl Crowd {
    pub(super) async fn gather(server: SocketAddr, connections: usize) -> anyhow::Result<Self> {
        let mut clients = Vec::with_capacity(connections);
        while clients.len() < connections {
            let some = CONNECTED_AT_ONCE.min(connections - clients.len());
            clients.extend(try_join_all((0..some).map(|_| Client::connect(server))).await?);
        }
        Ok(Self(clients))
    }

    /// Asks until the time is over; then waits for what is under way. Any other answer than the expected one is an error.
    pub(super) async fn ask(&mut self, ask: &Arc<Ask>, pace: Pace, for_: Duration) -> anyhow::Result<Driven> {
        let turns = Arc::new(Turns {
            begun: Instant::now(),
            for_,
            pace,
            given: AtomicUsize::new(0),
            ran_dry: AtomicBool::new(false),
            ask: Arc::clone(ask),
        });
        let mut tasks = JoinSet::new();
        for client in self.0.drain(..) {
            tasks.spawn(serve(client, Arc::clone(&turns)));
        }
        let mut all: Vec<Seen> = Vec::new();
        while let Some(ended) = tasks.join_next().await {
            let (client, seen) = ended??;
            self.0.push(client);
            all.extend(seen);
        }
        // What was answered after the end was under way then: it is not of these seconds.
        all.retain(|(.., answered)| *answered <= for_);
        ensure!(!all.is_empty(), "nothing was answered");
        let mut counter = Counter::default();
        for (.., answered) in &all {
            counter.add(*answered, *answered, 1);
        }
        Ok(Driven {
            answered: u64::try_from(all.len())?,
            rates: counter.finish(for_),
            took: Latencies::of(all.iter().map(|(_, sent, answered)| answered.saturating_sub(*sent))),
            late: Latencies::of(all.iter().map(|(due, sent, _)| sent.saturating_sub(*due))),
            elapsed: for_,
            ran_dry: turns.ran_dry.load(Ordering::Relaxed),
        })
    }
}

/// Who is next on any of the connections.
struct Turns {
    begun: Instant,
    for_: Duration,
    pace: Pace,
    given: AtomicUsize,
    ran_dry: AtomicBool,
    ask: Arc<Ask>,
}

impl Turns {
    /// When the next request is due.
    fn due(&self) -> Option<Duration> {
        let now = self.begun.elapsed();
        let due = match self.pace {
            Pace::Closed => now,
            Pace::Evenly(per_second) => {
                Duration::from_secs_f64(count(self.given.fetch_add(1, Ordering::Relaxed) as u64) / per_second)
            }
        };
        (now < self.for_ && due < self.for_).then_some(due)
    }
}

/// One connection, fan after fan.
async fn serve(mut client: Client, turns: Arc<Turns>) -> anyhow::Result<(Client, Vec<Seen>)> {
    let mut all = Vec::new();
    while let Some(due) = turns.due() {
        if due > turns.begun.elapsed() {
            sleep_until(turns.begun + due).await;
        }
        let sent = turns.begun.elapsed();
        if turns.ask.answer(&mut client).await.context("a fan's request")?.is_none() {
            turns.ran_dry.store(true, Ordering::Relaxed);
            break;
        }
        all.push((due, sent, turns.begun.elapsed()));
    }
    Ok((client, all))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the requests of these fans show, of five that come.
    fn shown(ask: &Ask) -> Vec<Option<String>> {
        let text = |request: Request<_>| request.headers()["ticket"].to_str().unwrap().to_owned();
        (0..5).map(|_| ask.request().unwrap().map(text)).collect()
    }

    #[test]
    fn each_fan_shows_their_own_and_asks_again_only_if_they_may() {
        let tickets = ["a", "b", "c"].map(HeaderValue::from_static).to_vec();
        let (uri, host) = (Uri::from_static("/place"), HeaderValue::from_static("here"));
        let ask = Ask::new(Method::GET, uri, host, StatusCode::OK).showing(HeaderName::from_static("ticket"), tickets);
        assert_eq!(shown(&ask), ["a", "b", "c", "a", "b"].map(|ticket| Some(ticket.to_owned())));
        let elsewhere = Ask::new(Method::GET, Uri::from_static("/elsewhere"), HeaderValue::from_static("here"), StatusCode::OK);
        let both =
            Ask::new(Method::GET, Uri::from_static("/place"), HeaderValue::from_static("here"), StatusCode::OK).or(&elsewhere);
        let asked: Vec<_> = (0..3).map(|_| both.request().unwrap().unwrap().uri().path().to_owned()).collect();
        assert_eq!(asked, ["/place", "/elsewhere", "/place"]);
        let bare = ask.to_bare();
        assert_eq!(shown(&bare)[0].as_deref(), Some("a"));
        let once = ask.once_each();
        once.next.store(0, Ordering::Relaxed);
        assert_eq!(shown(&once).iter().flatten().count(), 3);
    }
}
