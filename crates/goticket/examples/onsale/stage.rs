//! Setting the stage: accounts, a venue from a plan, an event with a price per category, published.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use goticket_testkit::Deployment;
use jiff::{SignedDuration, Timestamp, Unit};
use reqwest::Method;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::api::{Api, With};
use crate::options::Venue;
use crate::tally::Step;

/// The plan that is sold when none is named.
const THEATRE: &str = include_str!("../../../domain/plans/theatre.json");

/// Longer names are cut: a venue's and an event's may have 200 characters, and the event's has more words.
const NAME_CHARS_MAX: usize = 150;

/// Of a plan without seats so many areas are sold, each to so many people: the format does not say how many fit in.
const AREAS_MAX: usize = 20;
const AREA_CAPACITY: u32 = 300;

/// The event as the fans see it, with the times on this process's own clock.
#[derive(Debug)]
pub(crate) struct Onsale {
    pub event: String,
    pub title: String,
    pub capacity: u32,
    pub sections: Vec<Section>,
    pub lobby_opens_at: Instant,
    pub start: Instant,
    /// Lobby fans come within this time after it opened.
    pub lobby_window: Duration,
    /// Late fans come within this time after the start.
    pub late_window: Duration,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Section {
    pub no: u16,
    pub first_seat: u32,
    pub seat_count: u32,
}

/// How the room and the event are set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub lobby: Duration,
    pub rate_per_min: u32,
    pub hold_seconds: u32,
    pub active_cap: u32,
}

/// An account of the stage.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Account {
    pub email: String,
    pub access_token: String,
}

/// Makes accounts by the command that load tests use.
pub(crate) async fn accounts(
    deployment: &Deployment,
    name: &str,
    role: &str,
    count: u32,
    password: Option<&str>,
) -> anyhow::Result<Vec<Account>> {
    let count = count.to_string();
    let domain = &deployment.bed.mail_domain;
    let args = ["mint-tokens", "--name", name, "--domain", domain, "--role", role, "--count", &count, "--ttl-s", "86400"];
    let env: Vec<(&str, &str)> = password.iter().map(|password| ("GOTICKET_MINT_PASSWORD", *password)).collect();
    let lines = deployment.command_with(&args, &env).await?;
    lines.stdout.lines().map(|line| serde_json::from_str(line).context("mint-tokens printed something else")).collect()
}

/// The seating plan asked for.
pub(crate) async fn plan(deployment: &Deployment, venue: &Venue) -> anyhow::Result<Value> {
    let text = match (&venue.plan, venue.seats) {
        (Some(file), _) => read(file)?,
        (None, Some(seats)) => deployment.command(&["venue", "generate", "--seats", &seats.to_string()]).await?.stdout,
        (None, None) => THEATRE.to_owned(),
    };
    serde_json::from_str(text.trim_start_matches('\u{feff}')).context("the seating plan is not JSON")
}

fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

/// Imports the plan, prices its categories, publishes the event.
pub(crate) async fn event(api: &Api, organizer: &Account, plan: Value, set: Plan) -> anyhow::Result<Arc<Onsale>> {
    #[derive(Deserialize)]
    struct VenueMade {
        id: String,
        name: String,
        categories: Vec<CategoryMade>,
        sections: Vec<IgnoredAny>,
        areas: Vec<AreaMade>,
    }
    #[derive(Deserialize)]
    struct AreaMade {
        id: String,
    }
    #[derive(Deserialize)]
    struct CategoryMade {
        name: String,
    }
    #[derive(Deserialize)]
    struct EventMade {
        id: String,
        title: String,
        capacity: u32,
        sections: Vec<Section>,
    }
    let name = venue_name(&plan);
    let body = json!({ "name": name, "time_zone": "Europe/Berlin", "plan": plan });
    let venue: VenueMade = post(api, organizer, "/v1/venues", &body).await?;

    let prices: Vec<Value> =
        (venue.categories.iter().zip([9_500, 6_500, 4_200, 2_900, 2_500].into_iter().chain(std::iter::repeat(2_000))))
            .map(|(category, amount_minor)| json!({ "category": category.name, "amount_minor": amount_minor }))
            .collect();
    // A plan of areas alone has nothing to sell until somebody says which of them people stand in: here, in all.
    let areas = if venue.sections.is_empty() { &venue.areas[..] } else { &[] };
    let standing: Vec<Value> = (areas.iter().take(AREAS_MAX))
        .map(|area| json!({ "area": area.id, "category": venue.categories[0].name, "capacity": AREA_CAPACITY }))
        .collect();
    let (now, here) = (Timestamp::now(), Instant::now());
    let lobby = SignedDuration::try_from(set.lobby)?;
    let body = json!({
        "venue": venue.id,
        "title": format!("The Night of Nights — {}", venue.name),
        "currency": "EUR",
        "lobby_opens_at": now,
        "onsale_at": now + lobby,
        "starts_at": (now + SignedDuration::from_hours(24 * 60)).round(Unit::Hour)?,
        "hold_seconds": set.hold_seconds,
        "ticket_limit": 6,
        "prices": prices,
        "standing": standing,
        "queue": {
            "rate_per_min": set.rate_per_min, "burst": (set.rate_per_min / 60).max(5), "active_cap": set.active_cap,
            "claim_window_s": 60, "session_s": 600, "message": "Welcome! Everyone who is here before the start has the same chance.",
        },
    });
    let made: EventMade = post(api, organizer, "/v1/events", &body).await?;
    let path = format!("/v1/events/{}/publish", made.id);
    let made: EventMade = post(api, organizer, &path, &json!({})).await?;
    Ok(Arc::new(Onsale {
        event: made.id,
        title: made.title,
        capacity: made.capacity,
        sections: made.sections,
        // The room follows its schedule by ticks: one second later it is surely open.
        lobby_opens_at: here + Duration::from_secs(1),
        start: here + set.lobby + Duration::from_secs(1),
        lobby_window: set.lobby.saturating_sub(Duration::from_secs(3)),
        late_window: Duration::from_secs(5),
    }))
}

/// What the plan is called, as far as a venue may be; plans are often called nothing.
fn venue_name(plan: &Value) -> String {
    let name = plan["name"].as_str().unwrap_or_default().trim();
    let name: String = name.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    if name.is_empty() { "Arena".to_owned() } else { name }
}

async fn post<T: serde::de::DeserializeOwned>(api: &Api, organizer: &Account, path: &str, body: &Value) -> anyhow::Result<T> {
    let with = With { token: Some(&organizer.access_token), headers: &[], body: Some(body) };
    api.call(Step::Other, Method::POST, path, with).await?.ok(path)
}
