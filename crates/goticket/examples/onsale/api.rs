//! A fan's and an organizer's view of GoTicket: typed HTTP calls, nothing more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use reqwest::{Method, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::tally::{Step, Tally};

/// Requests of the whole crowd under way at once: a laptop's sockets are finite. Waiting for one's turn is not counted as latency.
const MAX_IN_FLIGHT: usize = 512;

/// How long a fan believes in a request.
const TIMEOUT: Duration = Duration::from_secs(40);

/// How often a request is repeated on 429, 503 or a broken connection.
const MAX_TRIES: u32 = 60;

/// The API of one deployment.
#[derive(Clone)]
pub(crate) struct Api {
    base: String,
    http: reqwest::Client,
    turns: Arc<Semaphore>,
    tally: Arc<Tally>,
}

/// A call's answer: status and JSON body (null where there is none).
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub body: Value,
}

impl Answer {
    /// The problem document's code.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("unknown")
    }

    /// The body as `T` when the call succeeded.
    pub(crate) fn ok<T: DeserializeOwned>(self, what: &str) -> anyhow::Result<T> {
        if !self.status.is_success() {
            bail!("{what}: {} {}", self.status, self.body);
        }
        serde_json::from_value(self.body).with_context(|| format!("{what}: unexpected answer"))
    }
}

/// Where the holder of a place stands.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "where", rename_all = "snake_case")]
pub(crate) enum Location {
    Lobby {
        joined: u64,
    },
    /// The rank is told with one of the next polls.
    Drawn,
    Waiting {
        ahead: u64,
    },
    Turn,
    /// Over, as far as the board knows: a claim tells.
    Passed,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Joined {
    pub place_ticket: String,
    pub poll_after_ms: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Renewed {
    pub place_ticket: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Place {
    pub location: Location,
    /// What the draw made of a place of the lobby.
    #[serde(default)]
    pub drawn: Option<Renewed>,
    pub state: String,
    pub sold_out: bool,
    pub poll_after_ms: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Entry {
    pub entry_token: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct SeatStates {
    pub states: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Booking {
    pub id: String,
    pub state: String,
    #[serde(default)]
    pub seats: Vec<BookedSeat>,
    #[serde(default)]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct BookedSeat {
    pub no: u32,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Payment {
    pub pay_url: String,
}

/// What else a request carries.
#[derive(Default)]
pub(crate) struct With<'a> {
    pub token: Option<&'a str>,
    pub headers: &'a [(&'a str, &'a str)],
    pub body: Option<&'a Value>,
}

impl Api {
    pub(crate) fn new(base: String, tally: Arc<Tally>) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(TIMEOUT).pool_max_idle_per_host(MAX_IN_FLIGHT).no_proxy().build()?;
        Ok(Self { base, http, turns: Arc::new(Semaphore::new(MAX_IN_FLIGHT)), tally })
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// One call under /v1, repeated as its answers ask for. Everything the crowd does is safe to repeat.
    pub(crate) async fn call(&self, step: Step, method: Method, path: &str, with: With<'_>) -> anyhow::Result<Answer> {
        let url = format!("{}{path}", self.base);
        let mut tries = 0;
        loop {
            tries += 1;
            let turn = self.turns.acquire().await?;
            let started = Instant::now();
            let sent = self.request(&method, &url, &with).send().await;
            let answer = match sent {
                Ok(response) => read(response).await,
                Err(error) => Err(error.into()),
            };
            drop(turn);
            let again = match &answer {
                Ok(answer) => matches!(answer.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE),
                Err(_) => true,
            };
            if !again {
                self.tally.record(step, started.elapsed());
                return answer;
            }
            self.tally.repeated(step);
            if tries >= MAX_TRIES {
                return answer.with_context(|| format!("{method} {path}: given up after {tries} tries"));
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    fn request(&self, method: &Method, url: &str, with: &With<'_>) -> reqwest::RequestBuilder {
        let mut request = self.http.request(method.clone(), url);
        if let Some(token) = with.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in with.headers {
            request = request.header(*name, *value);
        }
        match with.body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    /// Pays at the provider's page, as the fan's browser would.
    pub(crate) async fn pay(&self, pay_url: &str, card_number: &str) -> anyhow::Result<StatusCode> {
        let turn = self.turns.acquire().await?;
        let started = Instant::now();
        let form = self.http.post(pay_url).header("accept", "application/json").form(&[("card_number", card_number)]);
        let status = form.send().await?.status();
        drop(turn);
        self.tally.record(Step::Card, started.elapsed());
        Ok(status)
    }
}

async fn read(response: Response) -> anyhow::Result<Answer> {
    let status = response.status();
    let bytes = response.bytes().await?;
    let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap_or_else(|_| json!({})) };
    Ok(Answer { status, body })
}
