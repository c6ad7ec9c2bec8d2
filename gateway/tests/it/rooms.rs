//! The waiting room through the gateway.

use std::sync::Arc;
use std::time::Duration;

use goticket_domain::identity::Role;
use goticket_gateway::{Gateway, GrpcWaitingRoom};
use goticket_platform::http::serve;
use goticket_testkit::{eventually, free_port};
use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::world::{Person, SOON, World, expect, problem};

async fn set(world: &World, organizer: &Person, path: &str, state: &str) {
    let body = json!({ "state": state, "reason": "a test" });
    let answer = world.request(Method::PATCH, &format!("{path}/control"), Some(organizer)).json(&body).send().await.unwrap();
    assert_eq!(expect(answer, StatusCode::OK).await["state"], state);
}

async fn with_ticket(world: &World, method: Method, path: &str, fan: &Person, ticket: &Value) -> reqwest::Response {
    world.request(method, path, Some(fan)).header("Place-Ticket", ticket.as_str().unwrap()).send().await.unwrap()
}

#[tokio::test]
async fn a_fan_joins_once_waits_claims_and_leaves() {
    let world = World::new().await;
    let (organizer, fan) = (world.person(Role::Organizer).await, world.person(Role::User).await);
    let event = world.event(&organizer).await;
    let queue = format!("/v1/events/{event}/queue");
    world.board_in(event, &["open"]).await;
    let joined = expect(world.post(&queue, Some(&fan), &json!({})).await, StatusCode::CREATED).await;
    let again = expect(world.post(&queue, Some(&fan), &json!({})).await, StatusCode::OK).await;
    assert_eq!(joined["place"], again["place"]);
    assert_eq!(joined["place"]["kind"], "late");
    let ticket = &joined["place_ticket"];
    let place = eventually("their turn", SOON, async || {
        let answer = with_ticket(&world, Method::GET, &format!("{queue}/place"), &fan, ticket).await;
        let place = expect(answer, StatusCode::OK).await;
        (place["location"]["where"] == "turn").then_some(place)
    })
    .await;
    assert_eq!((&place["state"], &place["sold_out"]), (&json!("open"), &json!(false)));
    let exact = with_ticket(&world, Method::GET, &format!("{queue}/place?exact=true"), &fan, ticket).await;
    assert_eq!(expect(exact, StatusCode::OK).await["location"]["where"], "turn");
    let claim = async || with_ticket(&world, Method::POST, &format!("{queue}/claim"), &fan, ticket).await;
    let claimed = expect(claim().await, StatusCode::OK).await;
    assert!(claimed["entry_token"].as_str().unwrap().len() > 100, "{claimed}");
    assert_eq!(expect(claim().await, StatusCode::OK).await["session_ends_at"], claimed["session_ends_at"]);
    let exact = with_ticket(&world, Method::GET, &format!("{queue}/place?exact=true"), &fan, ticket).await;
    let inside = json!({ "where": "inside", "until": claimed["session_ends_at"] });
    assert_eq!(expect(exact, StatusCode::OK).await["location"], inside);

    let control = expect(world.get(&format!("{queue}/control"), Some(&organizer)).await, StatusCode::OK).await;
    assert_eq!((&control["admitted"], &control["active"]), (&json!(1), &json!(1)));
    let left = world.request(Method::DELETE, &queue, Some(&fan)).send().await.unwrap();
    expect(left, StatusCode::NO_CONTENT).await;
    problem(claim().await, 409, "not_in_line").await;
    let draw = expect(world.get(&format!("{queue}/draw"), None).await, StatusCode::OK).await;
    assert_eq!(draw["outcome"]["seed"].as_str().unwrap().len(), 64, "{draw}");
}

#[tokio::test]
async fn too_early_and_too_late_are_told_apart() {
    let world = World::new().await;
    let (organizer, fan) = (world.person(Role::Organizer).await, world.person(Role::User).await);
    let path = |event| format!("/v1/events/{event}/queue");

    let scheduled = world.published(&organizer, 3_600, 7_200).await;
    world.board_in(scheduled, &["scheduled"]).await;
    let body = problem(world.post(&path(scheduled), Some(&fan), &json!({})).await, 409, "room_not_open").await;
    assert!(body["detail"].as_str().unwrap().contains("opens at"), "{body}");

    let lobby = world.published(&organizer, -60, 7_200).await;
    world.board_in(lobby, &["lobby"]).await;
    let joined = expect(world.post(&path(lobby), Some(&fan), &json!({})).await, StatusCode::CREATED).await;
    assert_eq!((&joined["place"]["kind"], &joined["location"]["where"]), (&json!("lobby"), &json!("lobby")));
    let ticket = &joined["place_ticket"];
    let early = with_ticket(&world, Method::POST, &format!("{}/claim", path(lobby)), &fan, ticket).await;
    problem(early, 409, "not_drawn").await;

    let open = world.event(&organizer).await;
    world.board_in(open, &["open"]).await;
    set(&world, &organizer, &path(open), "paused").await;
    let joined = expect(world.post(&path(open), Some(&fan), &json!({})).await, StatusCode::CREATED).await;
    let ticket = &joined["place_ticket"];
    let paused = with_ticket(&world, Method::POST, &format!("{}/claim", path(open)), &fan, ticket).await;
    let body = problem(paused, 409, "not_your_turn").await;
    assert!(body["detail"].as_str().unwrap().contains("paused"), "{body}");
    assert_eq!(body["errors"][0]["path"], "event", "{body}");
    let says = |body: &Value, state: &str| {
        assert!(body["detail"].as_str().unwrap().contains(state), "{body}");
        assert_eq!(body["errors"][0]["path"], "event", "{body}");
    };
    for state in ["draining", "closed"] {
        set(&world, &organizer, &path(open), state).await;
        let other = world.person(Role::User).await;
        says(&problem(world.post(&path(open), Some(&other), &json!({})).await, 409, "room_closed").await, state);
    }
    let late = with_ticket(&world, Method::POST, &format!("{}/claim", path(open)), &fan, ticket).await;
    says(&problem(late, 409, "room_closed").await, "closed");
    let log = expect(world.get(&format!("{}/log", path(open)), Some(&organizer)).await, StatusCode::OK).await;
    let first = &log["items"][0];
    assert_eq!((&first["reason"], &first["actor"]), (&json!("a test"), &json!(organizer.id)), "{log}");
}

#[tokio::test]
async fn an_operator_does_not_overwrite_what_another_one_set_meanwhile() {
    let world = World::new().await;
    let (one, other) = (world.person(Role::Organizer).await, world.person(Role::Admin).await);
    let event = world.event(&one).await;
    world.board_in(event, &["open"]).await;
    let control = format!("/v1/events/{event}/queue/control");
    let read = async |person| world.get(&control, Some(person)).await.headers()["etag"].to_str().unwrap().to_owned();
    let (seen, also_seen) = (read(&one).await, read(&other).await);
    assert_eq!(seen, also_seen);
    let change = async |person, burst: u32, if_match: Option<&str>| {
        let mut request =
            world.request(Method::PATCH, &control, Some(person)).json(&json!({ "burst": burst, "reason": "a test" }));
        if let Some(tag) = if_match {
            request = request.header("If-Match", tag);
        }
        request.send().await.unwrap()
    };
    let (first, second) = tokio::join!(change(&one, 11, Some(&seen)), change(&other, 12, Some(&also_seen)));
    let (made, refused) = if first.status() == 200 { (first, second) } else { (second, first) };
    let now = made.headers()["etag"].to_str().unwrap().to_owned();
    let set = expect(made, StatusCode::OK).await["settings"]["burst"].clone();
    let body = problem(refused, 412, "control_changed").await;
    assert_eq!(body["errors"][0]["header"], "If-Match", "{body}");
    assert_eq!(expect(world.get(&control, Some(&one)).await, StatusCode::OK).await["settings"]["burst"], set);
    for (burst, tag, status) in [
        (13, Some(seen.as_str()), 412),
        (13, Some("W/\"1\""), 412),
        (13, Some(now.as_str()), 200),
        (14, Some("*"), 200),
        (15, Some("\"1\", \"2\""), 400),
        (16, None, 200),
    ] {
        assert_eq!(change(&one, burst, tag).await.status(), status, "{tag:?}");
    }
}

#[tokio::test]
async fn operators_say_who_moves_the_rate() {
    let world = World::new().await;
    let organizer = world.person(Role::Organizer).await;
    let event = world.event(&organizer).await;
    let control = format!("/v1/events/{event}/queue/control");
    let limits = json!({ "low_per_min": 60, "high_per_min": 180 });
    let usual = expect(world.get(&control, Some(&organizer)).await, StatusCode::OK).await;
    let set = usual["settings"]["rate_per_min"].clone();
    // (what is asked for, the limits then, the rate in force)
    for (mut body, auto, in_force) in [
        (json!({ "auto": limits }), &limits, json!(120)),
        (json!({ "message": "soon" }), &limits, json!(120)),
        (json!({ "auto": null }), &Value::Null, set.clone()),
        (json!({ "auto": limits, "rate_per_min": 30 }), &limits, json!(120)),
        (json!({ "rate_per_min": 30 }), &Value::Null, json!(30)),
    ] {
        body["reason"] = json!("a test");
        let answer = world.request(Method::PATCH, &control, Some(&organizer)).json(&body).send().await.unwrap();
        let shown = expect(answer, StatusCode::OK).await;
        assert_eq!((&shown["settings"]["auto"], &shown["rate_in_force_per_min"]), (auto, &in_force), "{body}");
        assert_eq!(shown["pipeline"], Value::Null, "no lane has an owner here");
    }
}

#[tokio::test]
async fn operators_say_how_a_room_lets_fans_in() {
    let world = World::new().await;
    let organizer = world.person(Role::Organizer).await;
    let event = world.event(&organizer).await;
    let control = format!("/v1/events/{event}/queue/control");
    let mut expected = json!({ "close_when_sold_out": false, "mode": "queue", "open_below": null, "when_down": "fail_closed" });
    let says = |shown: &Value, expected: &Value| {
        expected.as_object().unwrap().iter().all(|(field, value)| shown["settings"][field] == *value)
    };
    let usual = expect(world.get(&control, Some(&organizer)).await, StatusCode::OK).await;
    assert!(says(&usual, &expected), "{usual}");
    for (field, value) in [
        ("close_when_sold_out", json!(true)),
        ("mode", json!("shadow")),
        ("open_below", json!(300)),
        ("when_down", json!("fail_open")),
        ("open_below", json!(null)),
        ("mode", json!("queue")),
    ] {
        let body = json!({ field: value, "reason": "a test" });
        let answer = world.request(Method::PATCH, &control, Some(&organizer)).json(&body).send().await.unwrap();
        let shown = expect(answer, StatusCode::OK).await;
        expected[field] = value;
        assert!(says(&shown, &expected), "{shown}");
        let in_force = shown["rate_in_force_per_min"].as_u64().unwrap();
        assert_eq!(in_force == 600_000, expected["mode"] == "shadow", "{shown}");
    }
}

#[tokio::test]
async fn a_change_is_told_before_it_is_made() {
    let world = World::new().await;
    let organizer = world.person(Role::Organizer).await;
    let event = world.published(&organizer, -60, 7_200).await;
    world.board_in(event, &["lobby"]).await;
    for _ in 0..3 {
        let fan = world.person(Role::User).await;
        expect(world.post(&format!("/v1/events/{event}/queue"), Some(&fan), &json!({})).await, StatusCode::CREATED).await;
    }
    let control = format!("/v1/events/{event}/queue/control");
    let before = expect(world.get(&control, Some(&organizer)).await, StatusCode::OK).await;
    let ask = async |body: Value| {
        let path = format!("{control}?what_if=true");
        world.request(Method::PATCH, &path, Some(&organizer)).json(&body).send().await.unwrap()
    };
    let told = expect(ask(json!({ "state": "open", "rate_per_min": 2, "reason": "?" })).await, StatusCode::OK).await;
    let set = &before["settings"]["rate_per_min"];
    assert_eq!(told["change"], json!({ "state": ["lobby", "open"], "rate_per_min": [set, 2] }));
    assert_eq!((&told["waiting"], &told["now"]), (&json!(3), &json!({ "drains": "never" })));
    assert_eq!(told["then"], json!({ "drains": "within", "from_s": 90, "to_s": 180 }));
    problem(ask(json!({ "state": "scheduled", "reason": "?" })).await, 422, "invalid_control").await;
    assert_eq!(expect(world.get(&control, Some(&organizer)).await, StatusCode::OK).await, before);
}

#[tokio::test]
async fn how_the_room_went_is_told_page_by_page_as_json_or_as_a_table() {
    let world = World::new().await;
    let organizer = world.person(Role::Organizer).await;
    let event = world.published(&organizer, 3_600, 7_200).await;
    sqlx::query("INSERT INTO queue_statistics SELECT $1, 1000 * n, n, 1, 2, 3, 4, 5, 6, 7, 8 FROM generate_series(1, 3) AS n")
        .bind(event.0)
        .execute(&world.pool)
        .await
        .unwrap();
    let path = format!("/v1/events/{event}/queue/statistics");
    let page = expect(world.get(&format!("{path}?limit=2"), Some(&organizer)).await, StatusCode::OK).await;
    let item = |n: u64| {
        json!({ "at": format!("1970-01-01T00:00:0{n}Z"), "joined": n, "left": 1, "admitted": 2, "claimed": 3, "no_shows": 4,
                "waiting": 5, "inside": 6, "rate_per_min": 7, "deferred": 8 })
    };
    assert_eq!(page["items"], json!([item(1), item(2)]));
    let next = format!("{path}?after={}", page["items"][1]["at"].as_str().unwrap());
    assert_eq!(expect(world.get(&next, Some(&organizer)).await, StatusCode::OK).await["items"], json!([item(3)]));
    let table = world.request(Method::GET, &next, Some(&organizer)).header("Accept", "text/csv").send().await.unwrap();
    assert_eq!(table.headers()["content-type"], "text/csv");
    let head = "at,joined,left,admitted,claimed,no_shows,waiting,inside,rate_per_min,deferred";
    assert_eq!(table.text().await.unwrap(), format!("{head}\r\n1970-01-01T00:00:03Z,3,1,2,3,4,5,6,7,8\r\n"));
    for bad in ["limit=0", "limit=361", "after=yesterday"] {
        problem(world.get(&format!("{path}?{bad}"), Some(&organizer)).await, 400, "invalid_query").await;
    }
}

/// Entry tokens are verified without asking, so the room's board has to say that they buy nothing.
#[tokio::test]
async fn a_sale_that_is_stopped_or_closed_sells_nothing_to_those_inside() {
    let world = World::new().await;
    let (organizer, fan) = (world.person(Role::Organizer).await, world.person(Role::User).await);
    let event = world.event(&organizer).await;
    let control = format!("/v1/events/{event}/queue/control");
    let book = async || {
        let path = format!("/v1/events/{event}/bookings");
        let request = world.request(Method::POST, &path, Some(&fan)).header("Entry-Token", world.entry_token(event, &fan));
        request
            .header("Idempotency-Key", Uuid::new_v4().to_string())
            .header("Prefer", "wait=0")
            .json(&json!({ "seats": [0] }))
            .send()
            .await
            .unwrap()
    };
    world.board_in(event, &["open"]).await;
    // (what the operators set, whether it sells)
    for (change, sells) in [
        (json!({ "selling": false }), false),
        (json!({ "selling": true }), true),
        (json!({ "state": "paused" }), true),
        (json!({ "state": "closed" }), false),
    ] {
        let mut body = change.clone();
        body["reason"] = json!("a test");
        let answer = world.request(Method::PATCH, &control, Some(&organizer)).json(&body).send().await.unwrap();
        expect(answer, StatusCode::OK).await;
        eventually("the switch", Duration::from_secs(1), async || {
            let answer: Value = book().await.json().await.ok()?;
            ((answer["code"] == "sale_stopped") != sells).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_place_that_was_not_claimed_in_time_is_told_so() {
    let world = World::new().await;
    let (organizer, fan) = (world.person(Role::Organizer).await, world.person(Role::User).await);
    let event = world.event(&organizer).await;
    let queue = format!("/v1/events/{event}/queue");
    world.board_in(event, &["open"]).await;
    let joined = expect(world.post(&queue, Some(&fan), &json!({})).await, StatusCode::CREATED).await;
    let ticket = &joined["place_ticket"];
    eventually("their turn", SOON, async || {
        let answer = with_ticket(&world, Method::GET, &format!("{queue}/place"), &fan, ticket).await;
        (expect(answer, StatusCode::OK).await["location"]["where"] == "turn").then_some(())
    })
    .await;
    // The end of their window lies in the past.
    let admitted = goticket_contracts::redis_keys::EventKeys::new(world.redis.prefix(), event).admitted();
    let place = hex::decode(joined["place"]["id"].as_str().unwrap()).unwrap();
    let end = redis::cmd("ZADD").arg(admitted).arg("XX").arg("CH").arg(1).arg(place).to_owned();
    let changed: i64 = world.redis.query(&end).await.unwrap();
    assert_eq!(changed, 1);
    let late = with_ticket(&world, Method::POST, &format!("{queue}/claim"), &fan, ticket).await;
    let body = problem(late, 409, "deferred").await;
    assert_eq!(body["errors"][0]["header"], "Place-Ticket", "{body}");

    // Once: it is told where they stand, comes again, and is not asked for a third time.
    let again = expect(world.post(&queue, Some(&fan), &json!({})).await, StatusCode::OK).await;
    assert_eq!((&again["place"]["kind"], &again["place"]["id"]), (&json!("deferred"), &joined["place"]["id"]), "{again}");
    let ticket = &again["place_ticket"];
    eventually("their second turn", SOON, async || {
        let answer = with_ticket(&world, Method::GET, &format!("{queue}/place"), &fan, ticket).await;
        let told = expect(answer, StatusCode::OK).await["location"]["where"].clone();
        assert!(told == "deferred" || told == "turn", "{told}");
        (told == "turn").then_some(())
    })
    .await;
    let changed: i64 = world.redis.query(&end).await.unwrap();
    assert_eq!(changed, 1);
    let late = with_ticket(&world, Method::POST, &format!("{queue}/claim"), &fan, ticket).await;
    problem(late, 409, "claim_window_passed").await;
}

#[tokio::test]
async fn an_event_without_a_room_has_no_board() {
    let world = World::new().await;
    let (organizer, fan) = (world.person(Role::Organizer).await, world.person(Role::User).await);
    let draft = world.draft(&organizer, -60, -30).await;
    for event in [draft, goticket_domain::EventId::generate()] {
        let queue = format!("/v1/events/{event}/queue");
        problem(world.get(&format!("{queue}/board"), None).await, 404, "event_not_found").await;
        problem(world.get(&format!("{queue}/draw"), None).await, 404, "event_not_found").await;
        problem(world.post(&queue, Some(&fan), &json!({})).await, 404, "event_not_found").await;
    }
}

#[tokio::test]
async fn a_waiting_room_behind_grpc_is_the_same_room_and_comes_back_by_itself() {
    let world = World::new().await;
    let (organizer, fan) = (world.person(Role::Organizer).await, world.person(Role::User).await);
    let event = world.event(&organizer).await;
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}").parse().unwrap();
    let secret: SecretString = "0123456789abcdef0123456789abcdef".into();
    let room = GrpcWaitingRoom::new(&url, Some(&secret)).unwrap();
    let gateway = Gateway::start(world.config.clone(), Arc::new(room)).await.unwrap();
    let queue = format!("http://{}/v1/events/{event}/queue", gateway.address());
    let join = async || world.http.post(&queue).bearer_auth(&fan.token).send().await.unwrap();
    problem(join().await, 503, "unavailable").await;

    let admission = async |secret: &SecretString| {
        let end = CancellationToken::new();
        let routes = goticket_admission::grpc_router(world.room.clone(), secret, end.clone());
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        (end.clone(), tokio::spawn(serve(listener, routes, end, Duration::from_secs(1))))
    };
    let (end, ended) = admission(&"another secret of the same length".into()).await;
    problem(join().await, 503, "unavailable").await;
    end.cancel();
    ended.await.unwrap().unwrap();

    let (end, ended) = admission(&secret).await;
    let joined = eventually("the waiting room", SOON, async || {
        let answer = join().await;
        if answer.status().is_success() { Some(answer.json::<Value>().await.unwrap()) } else { None }
    })
    .await;
    let ticket = joined["place_ticket"].as_str().unwrap();
    eventually("their turn, by the streamed board", SOON, async || {
        let request = world.http.get(format!("{queue}/place")).bearer_auth(&fan.token).header("Place-Ticket", ticket);
        let place: Value = request.send().await.unwrap().json().await.unwrap();
        (place["location"]["where"] == "turn").then_some(())
    })
    .await;
    // A refusal keeps its meaning over the wire.
    let other = world.published(&organizer, 3_600, 7_200).await;
    let early = format!("http://{}/v1/events/{other}/queue", gateway.address());
    let early = async || world.http.post(&early).bearer_auth(&fan.token).send().await.unwrap();
    problem(early().await, 409, "room_not_open").await;
    gateway.stop().await.unwrap();
    end.cancel();
    ended.await.unwrap().unwrap();
}
