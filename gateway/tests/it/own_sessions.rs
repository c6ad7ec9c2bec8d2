//! Where an account is logged in, and ending that.

use goticket_domain::AccountId;
use goticket_domain::identity::{Device, EmailAddress, Role};
use goticket_gateway::Gateway;
use goticket_storage::accounts;
use goticket_storage::sessions::{self, KEPT_DAYS, NewSession, SESSIONS_MAX, TokenHashes};
use goticket_testkit::eventually;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Person, SOON, World, expect, problem};

const EMAIL: &str = "ann@example.com";
const PASSWORD: &str = "correct horse battery";

/// What one browser has of a session.
pub(crate) struct LoggedIn {
    pub(crate) person: Person,
    pub(crate) refresh_token: String,
}

impl LoggedIn {
    pub(crate) fn of(session: &Value) -> Self {
        let text = |name: &str| session[name].as_str().unwrap().to_owned();
        let id: AccountId = serde_json::from_value(session["account"]["id"].clone()).unwrap();
        Self { person: Person { id, token: text("access_token") }, refresh_token: text("refresh_token") }
    }

    /// The session's id, as anybody reads it who sees an access token.
    fn id(&self, world: &World) -> Uuid {
        world.keys.access_verifier.verify(&self.person.token, jiff::Timestamp::now()).unwrap().family
    }
}

pub(crate) async fn register(world: &World) -> LoggedIn {
    let body = json!({ "email": EMAIL, "password": PASSWORD, "name": "Ann Other" });
    LoggedIn::of(&expect(world.post("/v1/auth/register", None, &body).await, StatusCode::CREATED).await)
}

async fn try_log_in(world: &World, password: &str, device: &str) -> Response {
    let request = world.request(Method::POST, "/v1/auth/login", None).header("User-Agent", device);
    request.json(&json!({ "email": EMAIL, "password": password })).send().await.unwrap()
}

async fn log_in(world: &World, device: &str) -> LoggedIn {
    LoggedIn::of(&expect(try_log_in(world, PASSWORD, device).await, StatusCode::OK).await)
}

pub(crate) async fn refresh(world: &World, token: &str) -> Response {
    world.post("/v1/auth/refresh", None, &json!({ "refresh_token": token })).await
}

pub(crate) async fn log_out(world: &World, token: &str) {
    let answer = world.post("/v1/auth/logout", None, &json!({ "refresh_token": token })).await;
    expect(answer, StatusCode::NO_CONTENT).await;
}

async fn list(world: &World, person: &Person) -> Vec<Value> {
    let answer = expect(world.get("/v1/me/sessions", Some(person)).await, StatusCode::OK).await;
    answer["items"].as_array().unwrap().clone()
}

async fn delete(world: &World, path: &str, person: &Person) -> Response {
    world.request(Method::DELETE, path, Some(person)).send().await.unwrap()
}

async fn assert_over(world: &World, session: &LoggedIn, what: &str) {
    let answer = problem(world.get("/v1/me", Some(&session.person)).await, 401, "session_ended").await;
    assert_eq!(answer["errors"][0]["header"], "Authorization", "{what}");
    problem(refresh(world, &session.refresh_token).await, 401, "refresh_token_invalid").await;
}

#[tokio::test]
async fn sessions_are_listed_with_their_devices_and_ended_one_by_one_or_together() {
    let world = World::new().await;
    let first = register(&world).await;
    let phone = log_in(&world, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Safari/604.1").await;
    let script = log_in(&world, "curl/8.5.0").await;
    let listed = list(&world, &phone.person).await;
    let shown: Vec<(&str, bool)> =
        listed.iter().map(|item| (item["device"].as_str().unwrap(), item["this"].as_bool().unwrap())).collect();
    assert_eq!(shown, [("curl", false), ("Safari on iPhone", true), ("Unknown device", false)]);

    // Another account's are not there, to be seen or ended.
    let other = world.person(Role::User).await;
    assert_eq!(list(&world, &other).await, Vec::<Value>::new());
    let path = format!("/v1/me/sessions/{}", script.id(&world));
    problem(delete(&world, &path, &other).await, 404, "session_not_found").await;
    problem(delete(&world, &format!("/v1/me/sessions/{}", Uuid::new_v4()), &phone.person).await, 404, "session_not_found").await;
    expect(world.get("/v1/me", Some(&script.person)).await, StatusCode::OK).await;

    expect(delete(&world, &path, &phone.person).await, StatusCode::NO_CONTENT).await;
    problem(delete(&world, &path, &phone.person).await, 404, "session_not_found").await;
    assert_over(&world, &script, "one").await;
    expect(delete(&world, "/v1/me/sessions", &phone.person).await, StatusCode::NO_CONTENT).await;
    assert_over(&world, &first, "the others").await;
    assert_eq!(list(&world, &phone.person).await.len(), 1);
    expect(delete(&world, "/v1/me/sessions?all=true", &phone.person).await, StatusCode::NO_CONTENT).await;
    assert_over(&world, &phone, "all").await;
    problem(world.get("/v1/me/sessions", None).await, 401, "access_token_missing").await;
    problem(delete(&world, "/v1/me/sessions?all=yes", &other).await, 400, "invalid_query").await;
}

#[tokio::test]
async fn who_knows_only_a_sessions_id_ends_nothing() {
    let world = World::new().await;
    let session = register(&world).await;
    let parts: Vec<&str> = session.refresh_token.split('.').collect();
    assert_eq!(parts[0], session.id(&world).simple().to_string(), "the access token shows it");
    let (other_shared, other_own) = ("A".repeat(22), "A".repeat(43));
    for made_up in [format!("{}.{other_shared}.{other_own}", parts[0]), format!("{}.{other_shared}.{}", parts[0], parts[2])] {
        for redis_knows in [true, false] {
            if !redis_knows {
                crate::session_loss::forget(&world).await;
            }
            log_out(&world, &made_up).await;
            problem(refresh(&world, &made_up).await, 401, "refresh_token_invalid").await;
        }
    }
    expect(world.get("/v1/me", Some(&session.person)).await, StatusCode::OK).await;
    expect(refresh(&world, &session.refresh_token).await, StatusCode::OK).await;
}

#[tokio::test]
async fn an_ended_session_is_refused_by_every_gateway_also_by_one_that_begins_later() {
    let world = World::new().await;
    let start = async || Gateway::start(world.config.clone(), world.room.clone()).await.unwrap();
    let (session, other) = (register(&world).await, start().await);
    let at_the_other = async |gateway: &Gateway| {
        let request = world.http.get(format!("http://{}/v1/me", gateway.address())).bearer_auth(&session.person.token);
        request.send().await.unwrap()
    };
    expect(at_the_other(&other).await, StatusCode::OK).await;
    log_out(&world, &session.refresh_token).await;
    problem(world.get("/v1/me", Some(&session.person)).await, 401, "session_ended").await;
    eventually("the other gateway hears of it", SOON, async || {
        (at_the_other(&other).await.status() == StatusCode::UNAUTHORIZED).then_some(())
    })
    .await;
    let later = start().await;
    problem(at_the_other(&later).await, 401, "session_ended").await;
    for gateway in [other, later] {
        gateway.stop().await.unwrap();
    }
}

#[tokio::test]
async fn changing_the_password_ends_every_other_session() {
    let world = World::new().await;
    let (first, this) = (register(&world).await, log_in(&world, "curl/8").await);
    let change = async |old: &str, new: &str| {
        world.post("/v1/me/password", Some(&this.person), &json!({ "old_password": old, "new_password": new })).await
    };
    let wrong = problem(change("not the password", "another password").await, 403, "wrong_password").await;
    assert_eq!(wrong["errors"][0]["pointer"], "/old_password");
    let short = problem(change(PASSWORD, "short").await, 422, "invalid_field").await;
    assert_eq!(short["errors"][0]["pointer"], "/new_password");
    expect(world.get("/v1/me", Some(&first.person)).await, StatusCode::OK).await;

    expect(change(PASSWORD, "another password").await, StatusCode::NO_CONTENT).await;
    assert_over(&world, &first, "the other one").await;
    expect(refresh(&world, &this.refresh_token).await, StatusCode::OK).await;
    problem(try_log_in(&world, PASSWORD, "curl/8").await, 401, "wrong_credentials").await;
    expect(try_log_in(&world, "another password", "curl/8").await, StatusCode::OK).await;
}

#[tokio::test]
async fn a_disabled_account_neither_logs_in_nor_goes_on() {
    let world = World::new().await;
    let session = register(&world).await;
    let email = EmailAddress::parse(EMAIL).unwrap();
    assert_eq!(accounts::disable(&world.pool, &email).await.unwrap(), Some(1));
    assert_eq!(accounts::disable(&world.pool, &email).await.unwrap(), Some(0), "twice is once");
    problem(refresh(&world, &session.refresh_token).await, 401, "refresh_token_invalid").await;
    eventually("its access token is refused", SOON, async || {
        (world.get("/v1/me", Some(&session.person)).await.status() == StatusCode::UNAUTHORIZED).then_some(())
    })
    .await;
    problem(try_log_in(&world, "not the password", "curl/8").await, 401, "wrong_credentials").await;
    problem(try_log_in(&world, PASSWORD, "curl/8").await, 403, "account_disabled").await;

    assert!(accounts::enable(&world.pool, &email).await.unwrap());
    assert_over(&world, &session, "what has ended").await;
    expect(try_log_in(&world, PASSWORD, "curl/8").await, StatusCode::OK).await;
    let nobody = EmailAddress::parse("nobody@example.com").unwrap();
    assert_eq!(accounts::disable(&world.pool, &nobody).await.unwrap(), None);
    assert!(!accounts::enable(&world.pool, &nobody).await.unwrap());
}

/// A session of this account, as a gateway writes it down.
async fn begin(world: &World, account: AccountId, password_generation: i32) -> Option<Uuid> {
    let (id, device) = (Uuid::new_v4(), Device::of(Some("curl/8")));
    let token = TokenHashes { secret: [1; 32], current: [2; 32] };
    let ttl = std::time::Duration::from_mins(10);
    let new = NewSession { id, account, password_generation, device: &device, token, ttl };
    sessions::begin(&world.pool, &new).await.unwrap().then_some(id)
}

#[tokio::test]
async fn a_log_in_by_the_old_password_comes_to_nothing_when_there_is_a_new_one() {
    let world = World::new().await;
    let account = world.person(Role::User).await.id;
    let kept = begin(&world, account, 0).await.unwrap();
    assert_eq!(accounts::change_password(&world.pool, account, 0, "hash", kept).await.unwrap(), Some(Vec::new()));
    assert_eq!(begin(&world, account, 0).await, None);
    assert_eq!(accounts::change_password(&world.pool, account, 0, "hash", kept).await.unwrap(), None, "seen before");
    let next = begin(&world, account, 1).await.unwrap();
    assert_eq!(accounts::change_password(&world.pool, account, 1, "hash", kept).await.unwrap(), Some(vec![next]));
}

#[tokio::test]
async fn one_session_too_many_ends_the_one_that_was_used_least_recently() {
    let world = World::new().await;
    let account = world.person(Role::User).await.id;
    let first = begin(&world, account, 0).await.unwrap();
    let second = begin(&world, account, 0).await.unwrap();
    for _ in 2..SESSIONS_MAX {
        begin(&world, account, 0).await.unwrap();
    }
    let shown = TokenHashes { secret: [1; 32], current: [2; 32] };
    let ttl = std::time::Duration::from_mins(10);
    sessions::rotate(&world.pool, first, &shown, &[3; 32], ttl).await.unwrap();
    let live = async || sessions::live(&world.pool, account).await.unwrap().iter().map(|one| one.id).collect::<Vec<_>>();
    assert_eq!((live().await.len(), live().await[0]), (usize::try_from(SESSIONS_MAX).unwrap(), first));
    let last = begin(&world, account, 0).await.unwrap();
    let live = live().await;
    assert_eq!((live.len(), live[0], live[1]), (usize::try_from(SESSIONS_MAX).unwrap(), last, first));
    assert!(!live.contains(&second));
}

#[tokio::test]
async fn what_expired_long_ago_is_forgotten_and_what_did_lately_is_kept() {
    let world = World::new().await;
    let account = world.person(Role::User).await.id;
    let (older, younger) = (begin(&world, account, 0).await.unwrap(), begin(&world, account, 0).await.unwrap());
    for (id, by) in [(older, "- interval '1 minute'"), (younger, "+ interval '1 minute'")] {
        let sql = format!("UPDATE sessions SET expires_at = now() - interval '{KEPT_DAYS} days' {by} WHERE id = '{id}'");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&world.pool).await.unwrap();
    }
    assert_eq!(sessions::forget(&world.pool).await.unwrap(), 1);
    assert_eq!(sessions::forget(&world.pool).await.unwrap(), 0);
    let kept: (Uuid,) = sqlx::query_as("SELECT id FROM sessions").fetch_one(&world.pool).await.unwrap();
    assert_eq!(kept.0, younger);
    assert_eq!(sessions::live(&world.pool, account).await.unwrap(), Vec::new(), "neither goes on");
}
