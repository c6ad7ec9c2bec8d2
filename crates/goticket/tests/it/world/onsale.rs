//! Putting an event on sale, as an organizer does.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::Api;
use super::plans;

/// What an organizer wants to sell.
#[derive(Clone, Debug)]
pub struct Wish {
    pub plan: Value,
    pub standing: Vec<Value>,
    pub lobby: Duration,
    pub hold_seconds: u32,
    pub ticket_limit: u32,
    pub rate_per_min: u32,
    pub burst: u32,
    pub active_cap: u32,
}

impl Default for Wish {
    /// The club, with a lobby that is over at once and a room that lets everybody in.
    fn default() -> Self {
        Self {
            plan: plans::club(),
            standing: Vec::new(),
            lobby: Duration::from_millis(500),
            hold_seconds: 600,
            ticket_limit: 50,
            rate_per_min: 60_000,
            burst: 1_000,
            active_cap: 10_000,
        }
    }
}

/// A published event.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    pub id: String,
    pub title: String,
    pub capacity: u32,
    pub sections: Vec<Section>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Section {
    pub no: u16,
    pub name: String,
    pub first_seat: u32,
    pub seat_count: u32,
}

impl Event {
    /// The section of this name.
    pub fn section(&self, name: &str) -> &Section {
        self.sections.iter().find(|section| section.name == name).unwrap()
    }

    /// The nth seat of a section, from 0.
    pub fn seat(&self, section: &str, n: u32) -> u32 {
        self.section(section).first_seat + n
    }
}

/// Imports the plan, prices its categories, publishes the event.
pub async fn publish(api: &Api, organizer: &str, wish: &Wish) -> Event {
    let name = wish.plan["name"].as_str().unwrap();
    let body = json!({ "name": name, "time_zone": "Europe/Berlin", "plan": wish.plan });
    let venue: Value = api.post("/v1/venues").token(organizer).json(&body).answer().await.expect(StatusCode::CREATED);
    let categories = wish.plan["categories"].as_array().unwrap();
    let price = |(no, category): (u32, &Value)| json!({ "category": category["name"], "amount_minor": 5_000 - 500 * no });
    let now = now();
    let body = json!({
        "venue": venue["id"],
        "title": format!("An Evening at the {name}"),
        "currency": "EUR",
        "lobby_opens_at": now,
        "onsale_at": now + SignedDuration::try_from(wish.lobby).unwrap(),
        "starts_at": now + SignedDuration::from_hours(24 * 30),
        "hold_seconds": wish.hold_seconds,
        "ticket_limit": wish.ticket_limit,
        "prices": (0..).zip(categories).map(price).collect::<Vec<_>>(),
        "standing": wish.standing,
        "queue": {
            "rate_per_min": wish.rate_per_min, "burst": wish.burst, "active_cap": wish.active_cap,
            "claim_window_s": 300, "session_s": 3_600, "message": "",
        },
    });
    let draft: Event = api.post("/v1/events").token(organizer).json(&body).answer().await.expect(StatusCode::CREATED);
    let path = format!("/v1/events/{}/publish", draft.id);
    api.post(&path).token(organizer).answer().await.expect(StatusCode::OK)
}

#[expect(clippy::disallowed_methods, reason = "the clock of the tests' people")]
fn now() -> Timestamp {
    Timestamp::now()
}
