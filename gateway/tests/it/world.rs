//! One test's gateway, with accounts, keys, a venue and events at hand.

use std::sync::Arc;
use std::time::Duration;

use goticket_admission::{AdmissionConfig, Deps, WaitingRoomService};
use goticket_domain::identity::{EmailAddress, Role};
use goticket_domain::seating::generate_arena;
use goticket_domain::{AccountId, EventId};
use goticket_gateway::{Config, Gateway};
use goticket_platform::{config, crypto, postgres, redis, shutdown::Shutdown};
use goticket_storage::accounts;
use goticket_testkit::{Links, TestBed, eventually};
use goticket_tokens::keys::{KeyFolder, Keys};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::lanes;

pub(crate) const SOON: Duration = Duration::from_secs(20);
pub(crate) const WEBHOOK_SECRET: &str = "whsec_test";

/// Two sections of seats and two areas.
pub(crate) const SEATS: u32 = 600;

#[derive(Deserialize)]
struct RoomConfig {
    admission: AdmissionConfig,
}

pub(crate) struct World {
    pub(crate) bed: TestBed,
    pub(crate) config: Config,
    pub(crate) keys: Keys,
    pub(crate) pool: PgPool,
    pub(crate) redis: redis::Redis,
    pub(crate) room: Arc<WaitingRoomService>,
    pub(crate) http: reqwest::Client,
    gateway: Option<Gateway>,
    base: String,
    _room_shutdown: Shutdown,
}

/// Somebody with an access token.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) id: AccountId,
    pub(crate) token: String,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// With settings of the gateway, e.g. `("AUTH_PER_MIN", "5")`, or of another section, e.g. `("::DEPLOYMENT__ENVIRONMENT", "production")`.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        Self::on(TestBed::new().await, settings).await
    }

    /// With servers that can be taken away.
    pub(crate) async fn behind_links() -> (Self, Links) {
        Self::behind_links_with(&[]).await
    }

    pub(crate) async fn behind_links_with(settings: &[(&str, &str)]) -> (Self, Links) {
        let (bed, links) = TestBed::behind_links().await;
        (Self::on(bed, settings).await, links)
    }

    async fn on(bed: TestBed, settings: &[(&str, &str)]) -> Self {
        crypto::install();
        let dir = bed.objects_dir.join("keys");
        KeyFolder::generate(&dir).unwrap();
        let env = environment(&bed, settings);
        let config: Config = config::load_from(None, env.clone()).unwrap();
        let room_config: RoomConfig = config::load_from(None, env).unwrap();
        let keys = KeyFolder::load(&dir).unwrap();
        let pool = postgres::connect(&config.postgres, postgres::Plans::ByKeys).await.unwrap();
        goticket_storage::migrate(&pool, lanes::count()).await.unwrap();
        let redis = redis::connect(&config.redis).await.unwrap();
        let deps = Deps {
            receipts: keys.receipts.clone(),
            beacon: None,
            pool: pool.clone(),
            redis: redis.clone(),
            place_keys: keys.place.clone(),
            entry_signer: keys.entry_signer.clone(),
        };
        let room_shutdown = Shutdown::new();
        let room = goticket_admission::start(&room_config.admission, deps, &room_shutdown);
        let gateway = Gateway::start(config.clone(), room.clone()).await.unwrap();
        let base = format!("http://{}", gateway.address());
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { bed, config, keys, pool, redis, room, http, gateway: Some(gateway), base, _room_shutdown: room_shutdown }
    }

    /// What is not for the public.
    pub(crate) async fn private(&self, path: &str) -> Response {
        let address = self.gateway.as_ref().unwrap().private_address();
        self.http.get(format!("http://{address}{path}")).send().await.unwrap()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// SIGTERM, as a process would be told by it.
    pub(crate) async fn stop(&mut self) {
        self.gateway.take().unwrap().stop().await.unwrap();
    }

    /// An account without a password, and a token for it.
    pub(crate) async fn person(&self, role: Role) -> Person {
        let email = EmailAddress::parse(&format!("{}@example.com", Uuid::new_v4().simple())).unwrap();
        let account = accounts::insert(&self.pool, &email, "Somebody", role, None).await.unwrap().unwrap();
        Person { id: account.id, token: self.access_token(account.id, role, Duration::from_mins(10)) }
    }

    pub(crate) fn access_token(&self, account: AccountId, role: Role, ttl: Duration) -> String {
        self.keys.access_signer.issue(account, role, Uuid::new_v4(), Timestamp::now(), ttl)
    }

    /// An entry token as the waiting room would give one.
    pub(crate) fn entry_token(&self, event: EventId, person: &Person) -> String {
        let place = goticket_domain::queue::PlaceId::of(&self.keys.place.event_key(event), person.id);
        let now = Timestamp::now();
        self.keys.entry_signer.issue(
            goticket_tokens::Entrance::to_all_of(event),
            person.id,
            place,
            now,
            now + SignedDuration::from_mins(10),
        )
    }

    pub(crate) fn request(&self, method: Method, path: &str, person: Option<&Person>) -> reqwest::RequestBuilder {
        let request = self.http.request(method, self.url(path));
        match person {
            Some(person) => request.bearer_auth(&person.token),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str, person: Option<&Person>) -> Response {
        self.request(Method::GET, path, person).send().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, person: Option<&Person>, body: &Value) -> Response {
        self.request(Method::POST, path, person).json(body).send().await.unwrap()
    }

    /// A venue of this organizer.
    pub(crate) async fn venue(&self, organizer: &Person) -> Uuid {
        let body = json!({ "name": "Arena", "time_zone": "Europe/Berlin", "plan": generate_arena(SEATS) });
        id_of(&expect(self.post("/v1/venues", Some(organizer), &body).await, StatusCode::CREATED).await)
    }

    /// A draft whose lobby opens and whose sale begins so many seconds from now.
    pub(crate) async fn draft(&self, organizer: &Person, lobby_s: i64, onsale_s: i64) -> EventId {
        let venue = self.venue(organizer).await;
        let body = event_body(venue, lobby_s, onsale_s);
        EventId(id_of(&expect(self.post("/v1/events", Some(organizer), &body).await, StatusCode::CREATED).await))
    }

    /// A published event on sale.
    pub(crate) async fn event(&self, organizer: &Person) -> EventId {
        self.published(organizer, -60, -30).await
    }

    pub(crate) async fn published(&self, organizer: &Person, lobby_s: i64, onsale_s: i64) -> EventId {
        let event = self.draft(organizer, lobby_s, onsale_s).await;
        let answer = self.post(&format!("/v1/events/{event}/publish"), Some(organizer), &json!({})).await;
        expect(answer, StatusCode::OK).await;
        event
    }

    /// Waits until the gateway has a board of this event whose room is in one of these states.
    pub(crate) async fn board_in(&self, event: EventId, states: &[&str]) -> Value {
        eventually("a board", SOON, async || {
            let answer = self.get(&format!("/v1/events/{event}/queue/board"), None).await;
            let board: Value = answer.json().await.ok()?;
            states.iter().any(|state| board["state"] == *state).then_some(board)
        })
        .await
    }

    /// A value of this process's metrics; they are shared by all tests of the process.
    pub(crate) async fn metrics(&self) -> String {
        self.private("/metrics").await.text().await.unwrap()
    }
}

fn environment(bed: &TestBed, settings: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut env: Vec<(String, String)> = [
        ("POSTGRES__URL", bed.postgres_url.as_str()),
        ("REDIS__URL", &bed.redis_url),
        ("REDIS__PREFIX", &bed.redis_prefix),
        ("AMQP__URL", &bed.amqp_url),
        ("KEYS__DIR", bed.objects_dir.join("keys").to_str().unwrap()),
        ("OBJECTS__DIR", bed.objects_dir.to_str().unwrap()),
        ("PAYMENTS__URL", "http://127.0.0.1:9"),
        ("PAYMENTS__API_KEY", "key"),
        ("PAYMENTS__WEBHOOK_SECRET", WEBHOOK_SECRET),
        ("ADMISSION__TICK_MS", "50"),
        ("DEPLOYMENT__ENVIRONMENT", "development"),
        ("GATEWAY__LISTEN", "127.0.0.1:0"),
        ("GATEWAY__PRIVATE_LISTEN", "127.0.0.1:0"),
        ("GATEWAY__AUTH_PER_MIN", "0"),
        ("GATEWAY__JOINS_PER_MIN", "0"),
    ]
    .into_iter()
    .map(|(name, value)| (format!("GOTICKET__{name}"), value.to_owned()))
    .collect();
    let named = |name: &str| match name.strip_prefix("::") {
        Some(name) => format!("GOTICKET__{name}"),
        None => format!("GOTICKET__GATEWAY__{name}"),
    };
    env.extend(settings.iter().map(|(name, value)| (named(name), (*value).to_owned())));
    env
}

/// Every category of the generated arena.
pub(crate) fn prices() -> Value {
    json!(["Premium", "Standard", "Value", "Saver"].map(|category| json!({ "category": category, "amount_minor": 2_500 })))
}

pub(crate) fn event_body(venue: Uuid, lobby_s: i64, onsale_s: i64) -> Value {
    let now = Timestamp::now();
    let at = |seconds| (now + SignedDuration::from_secs(seconds)).to_string();
    json!({
        "venue": venue, "title": "A night out", "currency": "EUR",
        "starts_at": at(86_400), "lobby_opens_at": at(lobby_s), "onsale_at": at(onsale_s),
        "hold_seconds": 300, "ticket_limit": 6, "prices": prices(),
        "queue": { "rate_per_min": 6_000, "burst": 100 },
    })
}

/// The body, if the status is the one expected.
pub(crate) async fn expect(answer: Response, status: StatusCode) -> Value {
    let (got, text) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(got, status, "{text}");
    if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

/// A problem document of this status and code; returns it.
pub(crate) async fn problem(answer: Response, status: u16, code: &str) -> Value {
    let headers = answer.headers().clone();
    let body = expect(answer, StatusCode::from_u16(status).unwrap()).await;
    assert_eq!(headers["content-type"], "application/problem+json", "{body}");
    assert_eq!(body["code"], code, "{body}");
    assert_eq!(body["status"], status, "{body}");
    assert_eq!(body["type"], format!("/problems/{code}"), "{body}");
    assert_eq!(body["request_id"], headers["x-request-id"].to_str().unwrap(), "{body}");
    assert!(body["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{body}");
    if status == 503 || status == 429 {
        assert!(headers.contains_key("retry-after"), "{body}");
    } else if status < 500 {
        places(&body).unwrap_or_else(|fault| panic!("{fault} in {body}"));
    }
    body
}

/// What a problem names: `/pointer`, `Header`, `?query` or `:path`; the empty pointer is the body as a whole (RFC 6901, section 5).
/// Err: nothing, or not one place with a message that says what to do.
pub(crate) fn places(problem: &Value) -> Result<Vec<String>, String> {
    let errors = problem["errors"].as_array().filter(|errors| !errors.is_empty()).ok_or("no place is named")?;
    let place = |error: &Value| {
        let kinds = [("pointer", ""), ("header", ""), ("query", "?"), ("path", ":")];
        let mut named = kinds.iter().filter_map(|(kind, mark)| Some(format!("{mark}{}", error[kind].as_str()?)));
        let says = error["message"].as_str().is_some_and(|message| message.len() >= 10);
        match (named.next(), named.next(), says) {
            (Some(place), None, true) => Ok(place),
            _ => Err(format!("{error} is not one place and what to do there")),
        }
    };
    errors.iter().map(place).collect()
}

pub(crate) fn id_of(body: &Value) -> Uuid {
    serde_json::from_value(body["id"].clone()).unwrap_or_else(|_| panic!("no id in {body}"))
}
