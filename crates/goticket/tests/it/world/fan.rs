//! A fan with an account, in front of one event.

use std::sync::Mutex;
use std::time::Duration;

use goticket_testkit::eventually;
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{Answer, Api, Call, PATIENCE};

/// Cards of the sandbox provider, by what they do.
pub mod card {
    pub const PAYS: &str = "4242424242424242";
    pub const DECLINES: &str = "4000000000000002";
    pub const WEBHOOK_LATE: &str = "4000000000000341";
    pub const WEBHOOK_DOUBLED: &str = "4000000000000259";
    pub const WEBHOOK_LOST: &str = "4000000000000127";
}

/// How long what needs no outage to end may take.
pub const SOON: Duration = Duration::from_secs(30);

/// An account and what it holds in its hands.
#[derive(Clone, Debug)]
pub struct Fan {
    pub api: Api,
    pub account: String,
    pub email: String,
    pub token: String,
    pub event: String,
    /// Place ticket, once joined.
    pub place: String,
    /// That the place was taken, as JSON.
    pub receipt: String,
    /// Entry token, once claimed.
    pub entry: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Booking {
    pub id: String,
    pub state: String,
    #[serde(default)]
    pub seats: Vec<BookedSeat>,
    #[serde(default)]
    pub reason: Option<String>,
    #[serde(default)]
    pub total: Value,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct BookedSeat {
    pub no: u32,
    pub row: String,
    pub number: String,
    pub category: u16,
    pub price_minor: i64,
}

/// What a request came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Held(Booking),
    Refused(String),
}

impl Booking {
    pub fn numbers(&self) -> Vec<u32> {
        self.seats.iter().map(|seat| seat.no).collect()
    }
}

/// A key nobody has used.
pub fn new_key() -> String {
    format!("{:032x}", rand::random::<u128>())
}

impl Fan {
    /// Joins, waits for the turn, claims the entry token.
    pub async fn enter(&mut self) {
        self.join().await;
        self.claim().await;
    }

    /// Joins, as soon as one may.
    pub async fn join(&mut self) {
        let joined = eventually("a place in line", PATIENCE, async || {
            let answer = self.queue(reqwest::Method::POST, "").send().await.ok()?;
            (!answer.asks_to_come_back() && answer.code() != "room_not_open").then_some(answer)
        })
        .await;
        assert!(joined.status.is_success(), "join: {} {}", joined.status, joined.body());
        joined.body()["place_ticket"].as_str().unwrap().clone_into(&mut self.place);
        self.receipt = joined.body()["receipt"].to_string();
    }

    /// Polls the place until it is the fan's turn, then claims.
    pub async fn claim(&mut self) {
        let ticket = Mutex::new(self.place.clone());
        let claimed = eventually("a turn", PATIENCE, async || {
            let fan = Self { place: ticket.lock().unwrap().clone(), ..self.clone() };
            let place = fan.queue(reqwest::Method::GET, "/place").send().await.ok()?;
            if let Some(drawn) = place.body()["drawn"]["place_ticket"].as_str() {
                drawn.clone_into(&mut ticket.lock().unwrap());
            }
            let turn = place.status.is_success() && place.body()["location"]["where"] == "turn";
            if !turn {
                let may_be = place.status.is_success() || place.asks_to_come_back();
                assert!(may_be, "place: {} {}", place.status, place.body());
                return None;
            }
            let answer = fan.queue(reqwest::Method::POST, "/claim").send().await.ok()?;
            // The board may be a moment ahead of the room.
            (!answer.asks_to_come_back() && answer.code() != "not_your_turn").then_some(answer)
        })
        .await;
        self.place = ticket.into_inner().unwrap();
        let entry: Value = claimed.expect(StatusCode::OK);
        entry["entry_token"].as_str().unwrap().clone_into(&mut self.entry);
    }

    /// A request to the waiting room, with the place ticket if there is one.
    pub fn queue(&self, method: reqwest::Method, path: &str) -> Call {
        let call = self.api.call(method, &format!("/v1/events/{}/queue{path}", self.event)).token(&self.token);
        if self.place.is_empty() { call } else { call.header("place-ticket", &self.place) }
    }

    /// A request for seats that waits for its outcome.
    pub fn ask(&self, key: &str, wish: &Value) -> Call {
        self.ask_waiting(key, wish, 10)
    }

    /// A request for seats that waits so many seconds for its outcome.
    pub fn ask_waiting(&self, key: &str, wish: &Value, wait_s: u32) -> Call {
        let call = self.api.post(&format!("/v1/events/{}/bookings", self.event)).token(&self.token);
        call.header("entry-token", &self.entry)
            .header("idempotency-key", key)
            .header("prefer", &format!("wait={wait_s}"))
            .json(wish)
    }

    /// Asks for these seats and must get them.
    pub async fn hold(&self, seats: &[u32]) -> Booking {
        match self.outcome(&new_key(), &json!({ "seats": seats })).await {
            Outcome::Held(booking) => booking,
            Outcome::Refused(reason) => panic!("{} asked for {seats:?}: {reason}", self.email),
        }
    }

    /// Asks until there is an outcome, whatever goes away in the meantime.
    pub async fn outcome(&self, key: &str, wish: &Value) -> Outcome {
        let answer = self.ask(key, wish).patiently().await;
        self.outcome_of(&answer).await
    }

    /// What an answer comes to; of one that was only accepted, what is decided later.
    pub async fn outcome_of(&self, answer: &Answer) -> Outcome {
        match answer.status {
            StatusCode::CREATED => Outcome::Held(answer.expect(StatusCode::CREATED)),
            StatusCode::CONFLICT => Outcome::Refused(answer.code().trim_start_matches("seats_").to_owned()),
            StatusCode::ACCEPTED => {
                let accepted: Value = answer.expect(StatusCode::ACCEPTED);
                let booking = self.until(accepted["id"].as_str().unwrap(), |booking| booking.state != "pending").await;
                match booking.state.as_str() {
                    "refused" => Outcome::Refused(booking.reason.unwrap().trim_start_matches("seats_").to_owned()),
                    _ => Outcome::Held(booking),
                }
            }
            other => panic!("asking for seats: {other} {}", answer.body()),
        }
    }

    /// Looks at a booking until it is as wanted. Unknown means not decided yet: a pending request may be forgotten, its outcome not.
    pub async fn until(&self, id: &str, wanted: impl Fn(&Booking) -> bool) -> Booking {
        eventually(&format!("booking {id} as wanted"), PATIENCE, async || {
            let answer = self.api.get(&format!("/v1/bookings/{id}")).token(&self.token).send().await.ok()?;
            if answer.asks_to_come_back() || answer.status == StatusCode::NOT_FOUND {
                return None;
            }
            Some(answer.expect(StatusCode::OK)).filter(&wanted)
        })
        .await
    }

    /// Waits until the booking has this state.
    pub async fn until_state(&self, id: &str, state: &str) -> Booking {
        self.until(id, |booking| booking.state == state).await
    }

    /// The booking now.
    pub async fn booking(&self, id: &str) -> Booking {
        self.api.get(&format!("/v1/bookings/{id}")).token(&self.token).answer().await.expect(StatusCode::OK)
    }

    /// Gives a hold back.
    pub async fn cancel(&self, id: &str) -> Booking {
        let call = self.api.delete(&format!("/v1/bookings/{id}")).token(&self.token).header("prefer", "wait=10");
        let answer = call.patiently().await;
        assert!(
            answer.status.is_success() || answer.status == StatusCode::CONFLICT,
            "cancel: {} {}",
            answer.status,
            answer.body()
        );
        self.until(id, |booking| booking.state != "held").await
    }

    /// Opens a payment: the hosted page's address.
    pub async fn checkout(&self, id: &str) -> String {
        let call = self.api.post(&format!("/v1/bookings/{id}/payment")).token(&self.token).json(&json!({}));
        let answer = call.patiently().await;
        assert!(answer.status.is_success(), "payment: {} {}", answer.status, answer.body());
        answer.body()["pay_url"].as_str().unwrap().to_owned()
    }

    /// Types a card into a hosted page.
    pub async fn card(&self, pay_url: &str, number: &str) -> StatusCode {
        eventually("the provider", PATIENCE, async || {
            self.api.card(pay_url, number).await.filter(|status| *status != StatusCode::SERVICE_UNAVAILABLE)
        })
        .await
    }

    /// Pays with this card and waits until the booking is confirmed.
    pub async fn buy(&self, id: &str, number: &str) -> Booking {
        let page = self.checkout(id).await;
        let status = self.card(&page, number).await;
        assert!(status.is_success() || status == StatusCode::CONFLICT, "the provider says {status}");
        self.until_state(id, "confirmed").await
    }

    /// One digit per seat, as the map shows it.
    pub async fn seat_states(&self) -> String {
        let map: Value = self
            .api
            .get(&format!("/v1/events/{}/seats?geometry=false", self.event))
            .token(&self.token)
            .answer()
            .await
            .expect(StatusCode::OK);
        map["states"].as_str().unwrap().to_owned()
    }

    /// Waits until the map shows these seats so.
    pub async fn sees(&self, seats: &[u32], state: char) {
        eventually(&format!("{seats:?} shown as {state}"), SOON, async || {
            let states: Vec<char> = self.seat_states().await.chars().collect();
            seats.iter().all(|seat| states[*seat as usize] == state).then_some(())
        })
        .await;
    }
}
