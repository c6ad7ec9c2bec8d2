//! Setting the stage: accounts, a venue, events on sale.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use goticket_testkit::Deployment;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::shop::Account;

/// The shortest there is: holds of those who walk away must end within the run.
const HOLD_SECONDS: u32 = 30;

/// The most there is. Who has so many goes home.
const TICKET_LIMIT: u32 = 50;

/// The lobby is not what this is about.
const LOBBY: Duration = Duration::from_millis(500);

/// Seats of a row, and rows of a section: enough for a sale of this length never to run dry.
const ROW_SEATS: u32 = 15;
const ROWS_MIN: u64 = 4;
const ROWS_MAX: u64 = 100;
const SECONDS_PER_ROW: u64 = 10;

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Event {
    pub id: String,
    pub sections: Vec<Section>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Section {
    pub no: u16,
    pub first_seat: u32,
    pub seat_count: u32,
}

/// Makes accounts by the command that load tests use.
pub(crate) async fn accounts(deployment: &Deployment, name: &str, role: &str, count: u32) -> anyhow::Result<Vec<Account>> {
    #[derive(Deserialize)]
    struct Minted {
        account: String,
        access_token: String,
    }
    let (count, domain) = (count.to_string(), &deployment.bed.mail_domain);
    let args = ["mint-tokens", "--name", name, "--domain", domain, "--role", role, "--count", &count, "--ttl-s", "86400"];
    let printed = deployment.command(&args).await?.stdout;
    let account = |(number, line): (u32, &str)| {
        let minted: Minted = serde_json::from_str(line).context("mint-tokens printed something else")?;
        Ok(Account { number, id: minted.account, token: minted.access_token })
    };
    (0..).zip(printed.lines()).map(account).collect()
}

/// Imports the venue and puts so many events on sale in it.
pub(crate) async fn events(base: &str, organizer: &Account, count: u32, seconds: u64) -> anyhow::Result<Vec<Event>> {
    #[derive(Deserialize)]
    struct Made {
        id: String,
    }
    let office = Office { base, organizer, http: reqwest::Client::builder().no_proxy().build()? };
    let venue = json!({ "name": "Harbour Hall", "time_zone": "Europe/Berlin", "plan": plan(seconds) });
    let venue: Made = office.post("/v1/venues", &venue).await?;
    let mut events = Vec::new();
    for number in 1..=count {
        let now = Timestamp::now();
        let body = json!({
            "venue": venue.id,
            "title": format!("Storm Night {number}"),
            "currency": "EUR",
            "lobby_opens_at": now,
            "onsale_at": now + SignedDuration::try_from(LOBBY)?,
            "starts_at": now + SignedDuration::from_hours(24 * 30),
            "hold_seconds": HOLD_SECONDS,
            "ticket_limit": TICKET_LIMIT,
            "prices": [{ "category": "Seat", "amount_minor": 4_200 }],
            "queue": {
                "rate_per_min": 60_000, "burst": 1_000, "active_cap": 10_000, "claim_window_s": 300, "session_s": 3_600, "message": "",
            },
        });
        let draft: Made = office.post("/v1/events", &body).await?;
        events.push(office.post(&format!("/v1/events/{}/publish", draft.id), &Value::Null).await?);
    }
    Ok(events)
}

struct Office<'a> {
    base: &'a str,
    organizer: &'a Account,
    http: reqwest::Client,
}

impl Office<'_> {
    async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> anyhow::Result<T> {
        let request = self.http.post(format!("{}{path}", self.base)).bearer_auth(&self.organizer.token);
        let answer = if body.is_null() { request } else { request.json(body) }.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).with_context(|| format!("{path}: unexpected answer"))
    }
}

/// Four sections of one category.
fn plan(seconds: u64) -> Value {
    let rows = (ROWS_MIN + seconds / SECONDS_PER_ROW).min(ROWS_MAX);
    let zone = |(n, name): (u64, &str)| {
        let row = |row: u64| {
            let seat = |number: u32| {
                json!({
                    "seat_guid": format!("{name}-{row}-{number}"), "seat_number": number.to_string(),
                    "position": { "x": 25 * number, "y": 0 }, "category": "Seat",
                })
            };
            let seats: Vec<Value> = (1..=ROW_SEATS).map(seat).collect();
            json!({ "row_number": row.to_string(), "position": { "x": 0, "y": 30 * row }, "seats": seats })
        };
        let rows: Vec<Value> = (1..=rows).map(row).collect();
        json!({ "name": name, "position": { "x": 0, "y": n * 30 * (ROWS_MAX + 2) }, "rows": rows })
    };
    json!({
        "name": "Harbour Hall",
        "size": { "width": 400, "height": 4 * 30 * (ROWS_MAX + 2) },
        "categories": [{ "name": "Seat", "color": "#1976d2" }],
        "zones": (0..).zip(["Stalls", "Circle", "Balcony", "Box"]).map(zone).collect::<Vec<_>>(),
    })
}
