//! The shop as its clients see it: one request, one line of the history.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::history::{Attempt, History, Op, Outcome, Phase};

/// How long a client believes in a request; longer than any wait it asks for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(12);

/// The gateways, the provider's pages, and what was asked of them.
pub(crate) struct Shop {
    http: reqwest::Client,
    gateways: Vec<(&'static str, String)>,
    pub history: History,
    pub clock: Clock,
    settling: AtomicBool,
    pub tally: Tally,
}

/// For the lines that tell how it goes.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub held: AtomicU64,
    pub refused: AtomicU64,
    pub confirmed: AtomicU64,
    pub come_back: AtomicU64,
    pub unanswered: AtomicU64,
}

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub number: u32,
    pub id: String,
    pub token: String,
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub op: Op,
    pub event: String,
    /// Below a gateway, or an address of the provider.
    pub to: To,
    pub key: Option<String>,
    pub headers: Vec<(&'static str, String)>,
    pub body: Value,
    /// The booking it is about.
    pub about: Option<String>,
    pub timeout: Duration,
}

/// Where a request goes.
#[derive(Clone, Debug)]
pub(crate) enum To {
    /// To the gateway of this number, counted round.
    Gateway { nth: usize, method: Method, path: String },
    /// A card typed into the provider's page.
    Provider { pay_url: String, card: &'static str },
}

impl Shop {
    pub(crate) fn new(gateways: Vec<(&'static str, String)>, history: History) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(256).build()?;
        let (clock, settling, tally) = (Clock::start(), AtomicBool::new(false), Tally::default());
        Ok(Self { http, gateways, history, clock, settling, tally })
    }

    /// The sale is over: what is asked from now on is the last word.
    pub(crate) fn begin_to_settle(&self) {
        self.settling.store(true, Ordering::Relaxed);
    }

    /// Sends one request and writes down what came of it.
    pub(crate) async fn send(&self, who: &Account, request: Request) -> anyhow::Result<Attempt> {
        let (via, builder) = self.prepare(who, &request);
        let phase = if self.settling.load(Ordering::Relaxed) { Phase::Settle } else { Phase::Sale };
        let at_ms = self.clock.now_ms();
        let answer = tokio::time::timeout(request.timeout, read(builder)).await;
        let done_ms = self.clock.now_ms();
        let Answer { status, headers, body } = answer.ok().flatten().unwrap_or_default();
        let outcome = classify(request.op, status, &headers, &body);
        self.tally.count(request.op, outcome);
        let text = |member: &str| body[member].as_str().map(str::to_owned);
        let mut attempt = Attempt {
            n: 0,
            phase,
            at_ms,
            done_ms,
            client: who.number,
            account: who.id.clone(),
            op: request.op,
            event: request.event,
            key: request.key,
            via,
            request: request.body,
            status: status.map(|status| status.as_u16()),
            outcome,
            code: text("code").or_else(|| text("reason")),
            replayed: headers.get("idempotency-replayed").is_some_and(|value| value == "true"),
            retry_after_s: headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok()),
            booking: text("id").filter(|_| names_booking(request.op)).or(request.about),
            seats: if names_booking(request.op) { numbers(&body) } else { Vec::new() },
            hold_expires_at_ms: text("hold_expires_at")
                .and_then(|at| at.parse::<Timestamp>().ok())
                .map(Timestamp::as_millisecond),
            answer: body,
        };
        self.history.add(&mut attempt)?;
        Ok(attempt)
    }

    fn prepare(&self, who: &Account, request: &Request) -> (String, reqwest::RequestBuilder) {
        let (via, mut builder) = match &request.to {
            To::Gateway { nth, method, path } => {
                let (name, base) = &self.gateways[nth % self.gateways.len()];
                let builder = self.http.request(method.clone(), format!("{base}{path}")).bearer_auth(&who.token);
                ((*name).to_owned(), if request.body.is_null() { builder } else { builder.json(&request.body) })
            }
            To::Provider { pay_url, card } => {
                let builder = self.http.post(pay_url).header("accept", "application/json").form(&[("card_number", *card)]);
                ("provider".to_owned(), builder)
            }
        };
        if let Some(key) = request.key.as_ref().filter(|_| request.op == Op::Book) {
            builder = builder.header("idempotency-key", key);
        }
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        (via, builder)
    }
}

impl Request {
    /// A request to a gateway without anything more.
    pub(crate) fn of(op: Op, event: &str, nth: usize, method: Method, path: String) -> Self {
        let (to, event) = (To::Gateway { nth, method, path }, event.to_owned());
        Self { op, event, to, key: None, headers: Vec::new(), body: Value::Null, about: None, timeout: PATIENCE }
    }
}

impl Tally {
    fn count(&self, op: Op, outcome: Outcome) {
        let counter = match (op, outcome) {
            (Op::Book, Outcome::Held) => &self.held,
            (Op::Book, Outcome::Refused) => &self.refused,
            (Op::Look, Outcome::Confirmed) => &self.confirmed,
            (_, Outcome::ComeBack) => &self.come_back,
            (_, Outcome::Unknown) => &self.unanswered,
            _ => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
struct Answer {
    status: Option<StatusCode>,
    headers: HeaderMap,
    body: Value,
}

async fn read(request: reqwest::RequestBuilder) -> Option<Answer> {
    let answer = request.send().await.ok()?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let bytes = answer.bytes().await.ok()?;
    let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap_or_else(|_| json!({})) };
    Some(Answer { status: Some(status), headers, body })
}

/// Do its answers tell of a booking?
fn names_booking(op: Op) -> bool {
    matches!(op, Op::Book | Op::Look | Op::Cancel)
}

fn numbers(body: &Value) -> Vec<u32> {
    let seats = body["seats"].as_array().map_or(&[][..], Vec::as_slice);
    seats.iter().filter_map(|seat| u32::try_from(seat["no"].as_u64()?).ok()).collect()
}

/// What an answer means. One that breaks a rule that all answers keep is wrong, whatever it was asked for.
fn classify(op: Op, status: Option<StatusCode>, headers: &HeaderMap, body: &Value) -> Outcome {
    let Some(status) = status else { return Outcome::Unknown };
    if status.is_success() {
        return success(op, status, body);
    }
    let code = body["code"].as_str().unwrap_or_default();
    if op == Op::Card {
        return match status.as_u16() {
            // Declined; paid already.
            402 | 409 => Outcome::Conflict,
            429 | 503 => Outcome::ComeBack,
            _ => Outcome::Wrong,
        };
    }
    // Every error is a problem document that can be found in the logs.
    if code.is_empty() || body["request_id"].is_null() {
        return Outcome::Wrong;
    }
    match (op, status.as_u16()) {
        (_, 429 | 503) if headers.contains_key(RETRY_AFTER) => Outcome::ComeBack,
        (Op::Book, 409) => Outcome::Refused,
        (Op::Book, 422) if code == "invalid_booking" => Outcome::Refused,
        // Claimed again, and asked again.
        (Op::Book, 403) if code == "entry_token_expired" => Outcome::Conflict,
        (Op::Look | Op::Cancel | Op::Checkout, 404) => Outcome::NotFound,
        (Op::Cancel | Op::Checkout | Op::Join | Op::Place | Op::Claim, 409) => Outcome::Conflict,
        _ => Outcome::Wrong,
    }
}

fn success(op: Op, status: StatusCode, body: &Value) -> Outcome {
    match (op, status.as_u16(), body["state"].as_str().unwrap_or_default()) {
        (Op::Book | Op::Look | Op::Cancel, 200 | 202, "pending") => Outcome::Pending,
        (Op::Look, 200, "refused") => Outcome::Refused,
        (Op::Book, 201, "held") => Outcome::Held,
        (Op::Look | Op::Cancel, 200, state) => match state {
            "held" => Outcome::Held,
            "confirmed" => Outcome::Confirmed,
            "expired" => Outcome::Expired,
            "cancelled" => Outcome::Cancelled,
            "refunded" => Outcome::Refunded,
            _ => Outcome::Wrong,
        },
        (Op::Book | Op::Look | Op::Cancel, ..) => Outcome::Wrong,
        (Op::Join | Op::Place | Op::Claim | Op::Checkout | Op::Card, ..) => Outcome::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_means_what_it_says() {
        let problem = |code: &str| json!({ "code": code, "request_id": "r" });
        let booking = |state: &str| json!({ "id": "b", "state": state });
        let rows = [
            (Op::Book, 201, booking("held"), Outcome::Held),
            (Op::Book, 202, booking("pending"), Outcome::Pending),
            (Op::Book, 200, booking("held"), Outcome::Wrong),
            (Op::Book, 409, problem("seats_sold"), Outcome::Refused),
            (Op::Book, 409, json!({}), Outcome::Wrong),
            (Op::Book, 422, problem("idempotency_key_reused"), Outcome::Wrong),
            (Op::Book, 403, problem("entry_token_expired"), Outcome::Conflict),
            (Op::Book, 403, problem("entry_token_invalid"), Outcome::Wrong),
            (Op::Book, 500, problem("internal_error"), Outcome::Wrong),
            (Op::Book, 503, problem("not_accepted"), Outcome::ComeBack),
            (Op::Look, 200, booking("confirmed"), Outcome::Confirmed),
            (Op::Look, 200, booking("refused"), Outcome::Refused),
            (Op::Look, 200, booking("lost"), Outcome::Wrong),
            (Op::Look, 404, problem("booking_not_found"), Outcome::NotFound),
            (Op::Cancel, 200, booking("cancelled"), Outcome::Cancelled),
            (Op::Cancel, 202, booking("pending"), Outcome::Pending),
            (Op::Cancel, 409, problem("booking_not_held"), Outcome::Conflict),
            (Op::Checkout, 201, json!({}), Outcome::Done),
            (Op::Checkout, 409, problem("already_paid"), Outcome::Conflict),
            (Op::Card, 402, json!({}), Outcome::Conflict),
            (Op::Card, 500, json!({}), Outcome::Wrong),
            (Op::Claim, 409, problem("not_your_turn"), Outcome::Conflict),
        ];
        let headers = HeaderMap::from_iter([(RETRY_AFTER, "1".parse().unwrap())]);
        for (op, status, body, outcome) in rows {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(classify(op, Some(status), &headers, &body), outcome, "{op:?} {status} {body}");
        }
        let busy = Some(StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(classify(Op::Book, busy, &HeaderMap::new(), &problem("not_accepted")), Outcome::Wrong, "without Retry-After");
        assert_eq!(classify(Op::Book, None, &headers, &Value::Null), Outcome::Unknown);
    }
}
