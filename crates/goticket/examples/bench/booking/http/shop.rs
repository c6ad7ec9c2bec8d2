//! The shop as fans meet it: the requests of one errand, and what they were told.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use goticket_workers::sandbox::signature;
use http::{HeaderName, HeaderValue, Method, Request as HttpRequest, StatusCode, header};
use http_body_util::Full;
use secrecy::SecretString;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::{fans::Fan, seen::Told};
use crate::{
    booking::requests::Request,
    client::{Answer, Client},
};

/// Longer than an outcome takes in any row: what is measured is the outcome, not the promise of one.
const WAIT: HeaderValue = HeaderValue::from_static("wait=10");

/// Before a booking that is paid is looked at again: twice as long each time. And how long it is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(20);

/// Unexpected answers that are kept to be shown.
const SHOWN_MAX: usize = 3;

/// What a fan comes for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Errand {
    /// Asks who they are: their access token is known from now on, as that of everyone who has waited in line.
    Greet,
    Book,
    /// Books, opens the payment, pays; then looks until the booking is confirmed.
    BookAndPay,
}

pub(crate) struct Shop {
    pub host: HeaderValue,
    /// Where seats of the event are asked for.
    pub bookings: String,
    pub fans: Vec<Fan>,
    /// What the payment provider signs with, whom the benchmark plays.
    pub webhook_secret: SecretString,
    pub unexpected: Unexpected,
}

/// The first of the answers that no row is about.
#[derive(Default)]
pub(crate) struct Unexpected(Mutex<Vec<String>>);

impl Unexpected {
    fn keep(&self, error: &anyhow::Error) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < SHOWN_MAX {
            kept.push(format!("{error:#}"));
        }
    }

    pub(crate) fn shown(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).join(" · ")
    }
}

#[derive(Deserialize)]
struct Opened {
    payment: Uuid,
    amount: serde_json::Value,
}

#[derive(Deserialize)]
struct Looked {
    state: String,
}

impl Shop {
    pub(crate) async fn carry_out(&self, client: &mut Client, errand: Errand, request: Request) -> Told {
        let told = match errand {
            Errand::Greet => self.greet(client, request).await,
            Errand::Book => self.book(client, request).await.map(|(told, _)| told),
            Errand::BookAndPay => self.book_and_pay(client, request).await,
        };
        told.unwrap_or_else(|error| {
            self.unexpected.keep(&error);
            Told::Unexpected
        })
    }

    async fn greet(&self, client: &mut Client, request: Request) -> anyhow::Result<Told> {
        let answer = client.send(self.request(Method::GET, "/v1/me", self.fan(request), Bytes::new())?).await?;
        ensure!(answer.status == StatusCode::OK, "{}", describe(&answer));
        Ok(Told::Held)
    }

    /// What was told, and the booking's address where there is one.
    async fn book(&self, client: &mut Client, request: Request) -> anyhow::Result<(Told, Option<HeaderValue>)> {
        let Request { no, pair, .. } = request;
        let fan = self.fan(request);
        let body = format!(r#"{{"seats":[{},{}]}}"#, 2 * pair, 2 * pair + 1);
        let mut sent = self.request(Method::POST, &self.bookings, fan, body.into())?;
        let headers = sent.headers_mut();
        headers.insert(HeaderName::from_static("entry-token"), fan.entry.clone());
        headers.insert(HeaderName::from_static("idempotency-key"), HeaderValue::try_from(format!("request-{no}"))?);
        headers.insert(HeaderName::from_static("prefer"), WAIT);
        let mut answer = client.send(sent).await?;
        let told = told(answer.status, &answer.body).with_context(|| describe(&answer))?;
        Ok((told, answer.headers.remove(header::LOCATION)))
    }

    async fn book_and_pay(&self, client: &mut Client, request: Request) -> anyhow::Result<Told> {
        let (told, location) = self.book(client, request).await?;
        if told != Told::Held {
            return Ok(told);
        }
        let (fan, location) = (self.fan(request), location.context("a booking without an address")?);
        let booking = location.to_str()?;
        let page = self.request(Method::POST, &format!("{booking}/payment"), fan, Bytes::from_static(b"{}"))?;
        let opened: Opened = read(&client.send(page).await?, StatusCode::CREATED)?;
        let webhook = self.webhook(&opened, fan)?;
        let taken = client.send(webhook).await?;
        ensure!(taken.status == StatusCode::OK, "{}", describe(&taken));
        let (until, mut pause) = (Instant::now() + PATIENCE, LOOK_AGAIN);
        while Instant::now() < until {
            let look = self.request(Method::GET, booking, fan, Bytes::new())?;
            let looked: Looked = read(&client.send(look).await?, StatusCode::OK)?;
            if looked.state == "confirmed" {
                return Ok(Told::Confirmed);
            }
            ensure!(looked.state == "held", "a paid booking is {}", looked.state);
            sleep(pause).await;
            pause *= 2;
        }
        anyhow::bail!("a paid booking is not confirmed after {} s", PATIENCE.as_secs())
    }

    /// The provider's word that a payment is made, signed as the provider signs it.
    fn webhook(&self, opened: &Opened, fan: &Fan) -> anyhow::Result<HttpRequest<Full<Bytes>>> {
        let Opened { payment, amount } = opened;
        let body = serde_json::to_vec(&json!({
            "id": format!("evt_{}", Uuid::now_v7().simple()),
            "type": "payment.paid",
            "data": {
                "payment": payment, "reference": payment, "amount_minor": amount["amount_minor"], "currency": amount["currency"],
                "status": "paid", "refunded_minor": 0,
            },
        }))?;
        let signed = signature::sign([&self.webhook_secret], super::now(), &body);
        let mut request = self.request(Method::POST, "/v1/payments/sandbox/webhook", fan, body.into())?;
        request.headers_mut().insert(HeaderName::from_static(signature::HEADER), HeaderValue::try_from(signed)?);
        Ok(request)
    }

    fn fan(&self, request: Request) -> &Fan {
        &self.fans[request.no as usize % self.fans.len()]
    }

    fn request(&self, method: Method, path: &str, fan: &Fan, body: Bytes) -> anyhow::Result<HttpRequest<Full<Bytes>>> {
        let request = HttpRequest::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.host)
            .header(header::AUTHORIZATION, &fan.access)
            .header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(request.body(Full::new(body))?)
    }
}

/// What an answer to a request for seats says.
fn told(status: StatusCode, body: &[u8]) -> Option<Told> {
    // Only of these two codes nothing was begun; after the others, e.g. because the answer could not be composed, there may be a booking.
    let nothing_begun = || {
        #[derive(Deserialize)]
        struct Problem<'a> {
            code: &'a str,
        }
        let problem = serde_json::from_slice::<Problem<'_>>(body);
        problem.is_ok_and(|problem| matches!(problem.code, "overloaded" | "not_accepted"))
    };
    Some(match status {
        StatusCode::CREATED => Told::Held,
        StatusCode::ACCEPTED => Told::Accepted,
        StatusCode::CONFLICT => Told::Refused,
        StatusCode::TOO_MANY_REQUESTS => Told::Busy,
        StatusCode::SERVICE_UNAVAILABLE if nothing_begun() => Told::Busy,
        StatusCode::SERVICE_UNAVAILABLE => Told::Unsure,
        _ => return None,
    })
}

fn read<T: DeserializeOwned>(answer: &Answer, expected: StatusCode) -> anyhow::Result<T> {
    ensure!(answer.status == expected, "{}", describe(answer));
    serde_json::from_slice(&answer.body).with_context(|| describe(answer))
}

fn describe(answer: &Answer) -> String {
    let text: String = String::from_utf8_lossy(&answer.body).chars().take(200).collect();
    format!("{} {text}", answer.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_an_outcome_a_promise_or_a_refusal_of_the_moment() {
        for (status, code, expected) in [
            (201, "", Some(Told::Held)),
            (202, "", Some(Told::Accepted)),
            (409, "seats_held", Some(Told::Refused)),
            (429, "too_many_undecided", Some(Told::Busy)),
            (503, "overloaded", Some(Told::Busy)),
            (503, "not_accepted", Some(Told::Busy)),
            (503, "acceptance_unknown", Some(Told::Unsure)),
            (503, "timed_out", Some(Told::Unsure)),
            (503, "unavailable", Some(Told::Unsure)),
            (401, "access_token_expired", None),
            (422, "invalid_field", None),
            (500, "internal_error", None),
        ] {
            let body = json!({ "title": "x", "code": code }).to_string();
            assert_eq!(told(StatusCode::from_u16(status).unwrap(), body.as_bytes()), expected, "{status} {code}");
        }
    }
}
