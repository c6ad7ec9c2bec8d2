//! The waiting room is a process of its own, and dies: what becomes of requests for seats.

use std::sync::Arc;
use std::time::Duration;

use goticket_domain::EventId;
use goticket_domain::identity::Role;
use goticket_gateway::{Gateway, GrpcWaitingRoom};
use goticket_platform::http;
use goticket_platform::shutdown::Shutdown;
use goticket_testkit::eventually;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::world::{Person, SOON, World, expect, problem};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const DRAIN: Duration = Duration::from_secs(5);

/// A gateway whose waiting room can be stopped.
struct Remote {
    world: World,
    gateway: Gateway,
    waiting_room: Shutdown,
}

impl Remote {
    async fn new() -> Self {
        let world = World::new().await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let (secret, waiting_room) = (SECRET.to_owned().into(), Shutdown::new());
        let router = goticket_admission::grpc_router(world.room.clone(), &secret, waiting_room.token());
        waiting_room.spawn_fallible("grpc", http::serve(listener, router, waiting_room.token(), DRAIN));
        let client = GrpcWaitingRoom::new(&url, Some(&secret)).unwrap();
        let gateway = Gateway::start(world.config.clone(), Arc::new(client)).await.unwrap();
        Self { world, gateway, waiting_room }
    }

    fn request(&self, method: Method, path: &str, person: &Person) -> reqwest::RequestBuilder {
        let url = format!("http://{}{path}", self.gateway.address());
        self.world.http.request(method, url).bearer_auth(&person.token)
    }

    /// An event on sale, of which this gateway has a board that says what is done where the waiting room is lost.
    async fn event(&self, organizer: &Person, when_down: &str) -> EventId {
        let event = self.world.event(organizer).await;
        self.world.board_in(event, &["open"]).await;
        let change = json!({ "when_down": when_down, "reason": "a test" });
        let control = format!("/v1/events/{event}/queue/control");
        let request = self.world.request(Method::PATCH, &control, Some(organizer)).json(&change);
        let shown = expect(request.send().await.unwrap(), StatusCode::OK).await;
        assert_eq!(shown["settings"]["when_down"], when_down);
        eventually("a board", SOON, async || {
            let answer = self.request(Method::GET, &format!("/v1/events/{event}/queue/board"), organizer).send().await.ok()?;
            let board: Value = answer.json().await.ok()?;
            let says = board["when_down"].as_str().unwrap_or("fail_closed");
            (board["state"] == "open" && says == when_down).then_some(())
        })
        .await;
        event
    }

    /// Asks for seats, with this entry token.
    async fn ask(&self, event: EventId, fan: &Person, key: &str, entry: Option<&str>) -> Response {
        let request = self.request(Method::POST, &format!("/v1/events/{event}/bookings"), fan);
        let request = request.header("Idempotency-Key", key).header("Prefer", "wait=0");
        let request = entry.into_iter().fold(request, |request, entry| request.header("Entry-Token", entry));
        request.json(&json!({ "seats": [1] })).send().await.unwrap()
    }
}

#[tokio::test]
async fn without_a_waiting_room_a_room_that_fails_open_sells_and_others_do_not() {
    let remote = Remote::new().await;
    let organizer = remote.world.person(Role::Organizer).await;
    let (fan, guest) = (remote.world.person(Role::User).await, remote.world.person(Role::User).await);
    let open = remote.event(&organizer, "fail_open").await;
    let closed = remote.event(&organizer, "fail_closed").await;
    for event in [open, closed] {
        problem(remote.ask(event, &fan, "early", None).await, 403, "entry_token_missing").await;
    }

    remote.waiting_room.trigger();
    remote.waiting_room.drain(DRAIN * 2).await.unwrap();
    let join = remote.request(Method::POST, &format!("/v1/events/{open}/queue"), &fan);
    problem(join.send().await.unwrap(), 503, "unavailable").await;
    eventually("it is lost", SOON, async || {
        let answer = remote.ask(open, &fan, "lost", None).await;
        (answer.status() == StatusCode::ACCEPTED).then_some(())
    })
    .await;
    let refused = eventually("the other is lost, too", SOON, async || {
        let answer = remote.ask(closed, &fan, "lost", None).await;
        (answer.status() != StatusCode::FORBIDDEN).then_some(answer)
    });
    problem(refused.await, 503, "unavailable").await;

    // Who has been let in buys anywhere; who shows what is no token of theirs does not.
    let entry = remote.world.entry_token(closed, &guest);
    expect(remote.ask(closed, &guest, "token", Some(&entry)).await, StatusCode::ACCEPTED).await;
    problem(remote.ask(open, &fan, "other", Some(&remote.world.entry_token(open, &guest))).await, 403, "entry_token_foreign")
        .await;
    let no_one = remote.world.http.post(format!("http://{}/v1/events/{open}/bookings", remote.gateway.address()));
    problem(no_one.json(&json!({ "seats": [2] })).send().await.unwrap(), 401, "access_token_missing").await;
    let metrics = remote.world.metrics().await;
    let counted = metrics.lines().find(|line| line.starts_with("gateway_passed_total") && line.contains(&open.to_string()));
    assert!(counted.is_some(), "{metrics}");
    assert!(!metrics.lines().any(|line| line.starts_with("gateway_passed_total") && line.contains(&closed.to_string())));
    remote.gateway.stop().await.unwrap();
}
