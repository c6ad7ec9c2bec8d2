//! A thin HTTP client of the documented contract, which watches that every answer keeps the rules all answers keep.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use goticket_testkit::eventually;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// How long a client repeats a request that is answered with 429, 503 or not at all.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// How long one request may take: longer than any wait the gateway grants.
const TIMEOUT: Duration = Duration::from_secs(40);

/// A connection that was silent for so long is not used again: the gateway closes it after a while, perhaps in the same moment.
const IDLE: Duration = Duration::from_secs(15);

/// Its 503 is for balancers: a report, no problem document.
const PROBE: &str = "/readyz";

/// The gateway as a client sees it.
#[derive(Clone, Debug)]
pub struct Api {
    base: String,
    http: reqwest::Client,
    seen: Arc<Seen>,
}

/// What this client and its clones have seen.
#[derive(Debug, Default)]
struct Seen {
    faults: Mutex<Vec<String>>,
    unavailable: AtomicUsize,
}

/// One request on its way.
pub struct Call {
    request: RequestBuilder,
    what: String,
    seen: Arc<Seen>,
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
    what: String,
}

impl Api {
    pub fn new(base: String) -> Self {
        let http = reqwest::Client::builder().timeout(TIMEOUT).pool_idle_timeout(IDLE).no_proxy().build().unwrap();
        Self { base, http, seen: Arc::default() }
    }

    /// The same client at another gateway.
    pub fn at(&self, base: String) -> Self {
        Self { base, ..self.clone() }
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    /// Answers that broke a rule every answer keeps.
    pub fn faults(&self) -> Vec<String> {
        self.seen.faults.lock().unwrap().clone()
    }

    /// Requests, other than the probe's, that were answered with 503.
    pub fn unavailable(&self) -> usize {
        self.seen.unavailable.load(Ordering::Relaxed)
    }

    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    pub fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }

    pub fn delete(&self, path: &str) -> Call {
        self.call(Method::DELETE, path)
    }

    pub fn call(&self, method: Method, path: &str) -> Call {
        let what = format!("{method} {path}");
        Call { request: self.http.request(method, format!("{}{path}", self.base)), what, seen: Arc::clone(&self.seen) }
    }

    /// Pays at the provider's hosted page, as the fan's browser would; `None` where the provider could not be reached.
    pub async fn card(&self, pay_url: &str, number: &str) -> Option<StatusCode> {
        let form = self.http.post(pay_url).header("accept", "application/json").form(&[("card_number", number)]);
        form.send().await.ok().map(|answer| answer.status())
    }
}

impl Call {
    pub fn token(mut self, token: &str) -> Self {
        self.request = self.request.bearer_auth(token);
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub fn json(mut self, body: &Value) -> Self {
        self.request = self.request.json(body);
        self
    }

    /// Once; an error where no answer came.
    pub async fn send(self) -> Result<Answer, reqwest::Error> {
        let sent = self.request.send().await?;
        let (status, headers) = (sent.status(), sent.headers().clone());
        let answer = Answer { status, headers, bytes: sent.bytes().await?.to_vec(), what: self.what };
        if let Some(fault) = answer.fault() {
            self.seen.faults.lock().unwrap().push(fault);
        }
        if answer.status == StatusCode::SERVICE_UNAVAILABLE && !answer.what.ends_with(PROBE) {
            self.seen.unavailable.fetch_add(1, Ordering::Relaxed);
        }
        Ok(answer)
    }

    /// Once, and answered.
    pub async fn answer(self) -> Answer {
        let what = self.what.clone();
        self.send().await.unwrap_or_else(|error| panic!("{what}: {error:?}"))
    }

    /// Again and again, as a client does that is told to come back later or loses the connection.
    pub async fn patiently(self) -> Answer {
        eventually(&format!("an answer to {}", self.what), PATIENCE, async || {
            let again = self.request.try_clone().unwrap();
            let call = Call { request: again, what: self.what.clone(), seen: Arc::clone(&self.seen) };
            call.send().await.ok().filter(|answer| !answer.asks_to_come_back())
        })
        .await
    }
}

impl Answer {
    pub fn asks_to_come_back(&self) -> bool {
        matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
    }

    /// The JSON body; null where there is none.
    pub fn body(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_default()
    }

    /// A problem document's code.
    pub fn code(&self) -> String {
        self.body()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The body, where the status is this one.
    pub fn expect<T: DeserializeOwned>(&self, status: StatusCode) -> T {
        assert_eq!(self.status, status, "{}: {}", self.what, String::from_utf8_lossy(&self.bytes));
        let body = serde_json::from_slice(&self.bytes);
        body.unwrap_or_else(|error| panic!("{}: {error}: {}", self.what, String::from_utf8_lossy(&self.bytes)))
    }

    /// Asserts a problem document of this status and code.
    pub fn expect_problem(&self, status: StatusCode, code: &str) {
        assert_eq!((self.status, self.code().as_str()), (status, code), "{}: {}", self.what, self.body());
    }

    /// The rules: nothing is our fault but being unavailable for a while, which says when to come back; and every error is a problem
    /// document that can be found in the logs.
    fn fault(&self) -> Option<String> {
        if !self.status.is_client_error() && !self.status.is_server_error() {
            return None;
        }
        let (what, status) = (&self.what, self.status);
        let text = String::from_utf8_lossy(&self.bytes);
        let kind = self.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE {
            Some(format!("{what}: {status}: {text}"))
        } else if what.ends_with(PROBE) {
            None
        } else if self.asks_to_come_back() && !self.headers.contains_key(RETRY_AFTER) {
            Some(format!("{what}: {status} without Retry-After: {text}"))
        } else if kind != "application/problem+json" || self.code().is_empty() || self.body()["request_id"].is_null() {
            Some(format!("{what}: {status} is no problem document: {kind} {text}"))
        } else {
            None
        }
    }
}
