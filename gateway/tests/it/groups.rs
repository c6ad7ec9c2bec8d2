//! Groups over HTTP.

use goticket_domain::identity::Role;
use goticket_testkit::eventually;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::world::{Person, SOON, World, expect, problem};

struct Lobby {
    world: World,
    organizer: Person,
    queue: String,
}

impl Lobby {
    /// An open lobby whose groups are of at most three.
    async fn new() -> Self {
        let world = World::new().await;
        let organizer = world.person(Role::Organizer).await;
        let event = world.published(&organizer, 3_600, 7_200).await;
        let lobby = Self { world, organizer, queue: format!("/v1/events/{event}/queue") };
        lobby.world.board_in(event, &["scheduled"]).await;
        // The seats of an account are six.
        for groups in [1, 7, 9] {
            problem(lobby.change(json!({ "groups": groups })).await, 422, "invalid_control").await;
        }
        problem(lobby.change(json!({ "groups": -1 })).await, 422, "invalid_field").await;
        let control = expect(lobby.change(json!({ "groups": 3 })).await, StatusCode::OK).await;
        assert_eq!(control["settings"]["groups"], 3);
        expect(lobby.change(json!({ "state": "lobby" })).await, StatusCode::OK).await;
        lobby.world.board_in(event, &["lobby"]).await;
        problem(lobby.change(json!({ "groups": 0 })).await, 422, "invalid_control").await;
        lobby
    }

    async fn change(&self, mut change: Value) -> Response {
        change["reason"] = "a test".into();
        let path = format!("{}/control", self.queue);
        self.world.request(Method::PATCH, &path, Some(&self.organizer)).json(&change).send().await.unwrap()
    }

    async fn group(&self, method: Method, fan: &Person) -> Response {
        self.world.request(method, &format!("{}/group", self.queue), Some(fan)).send().await.unwrap()
    }

    async fn join(&self, fan: &Person, code: Option<&str>) -> Response {
        let request = self.world.request(Method::POST, &self.queue, Some(fan));
        let request = if let Some(code) = code { request.header("Join-Group", code) } else { request };
        request.send().await.unwrap()
    }

    async fn place(&self, ticket: &Value) -> Value {
        let path = format!("{}/place", self.queue);
        let request = self.world.request(Method::GET, &path, None).header("Place-Ticket", ticket.as_str().unwrap());
        expect(request.send().await.unwrap(), StatusCode::OK).await
    }
}

#[tokio::test]
async fn a_group_is_made_joined_seen_polled_and_claimed_by_its_leader() {
    let lobby = Lobby::new().await;
    let mut fans = Vec::new();
    for _ in 0..4 {
        fans.push(lobby.world.person(Role::User).await);
    }
    let named = |refused: &Value| (refused["errors"][0]["header"].clone(), refused["errors"][0]["path"].clone());
    problem(lobby.group(Method::GET, &fans[0]).await, 404, "in_no_group").await;
    problem(lobby.group(Method::POST, &fans[0]).await, 409, "group_needs_place").await;
    let led = expect(lobby.join(&fans[0], None).await, StatusCode::CREATED).await;
    let made = lobby.group(Method::POST, &fans[0]).await;
    assert_eq!(made.headers()["cache-control"], "private, no-store");
    let made = expect(made, StatusCode::OK).await;
    assert_eq!((&made["size"], &made["largest"], &made["leads"]), (&json!(1), &json!(3), &json!(true)));
    let code = made["code"].as_str().unwrap();

    for code in ["nonsense", ""] {
        let refused = problem(lobby.join(&fans[1], Some(code)).await, 403, "group_code_invalid").await;
        assert_eq!(named(&refused).0, "Join-Group");
    }
    let joined = expect(lobby.join(&fans[1], Some(code)).await, StatusCode::CREATED).await;
    assert_eq!(joined["place"]["id"], led["place"]["id"]);
    expect(lobby.join(&fans[1], Some(code)).await, StatusCode::OK).await;
    let again = expect(lobby.join(&fans[1], None).await, StatusCode::OK).await;
    assert_eq!(again["place"]["id"], led["place"]["id"]);
    expect(lobby.join(&fans[2], Some(code)).await, StatusCode::CREATED).await;
    problem(lobby.join(&fans[3], Some(code)).await, 409, "group_full").await;
    let seen = expect(lobby.group(Method::GET, &fans[1]).await, StatusCode::OK).await;
    assert_eq!(seen, json!({ "code": code, "size": 3, "largest": 3, "leads": false }));
    expect(lobby.group(Method::DELETE, &fans[2]).await, StatusCode::NO_CONTENT).await;
    assert_ne!(expect(lobby.join(&fans[2], None).await, StatusCode::OK).await["place"]["id"], led["place"]["id"]);
    assert_eq!(lobby.place(&joined["place_ticket"]).await["location"]["where"], "lobby");

    expect(lobby.change(json!({ "state": "open", "rate_per_min": 60_000 })).await, StatusCode::OK).await;
    let drawn = eventually("the ticket with the rank", SOON, async || {
        let ticket = &lobby.place(&joined["place_ticket"]).await["drawn"]["place_ticket"];
        ticket.is_string().then(|| ticket.clone())
    })
    .await;
    eventually("their turn", SOON, async || (lobby.place(&drawn).await["location"]["where"] == "turn").then_some(())).await;
    let claim = async |fan: &Person, ticket: &Value| {
        let request = lobby.world.request(Method::POST, &format!("{}/claim", lobby.queue), Some(fan));
        request.header("Place-Ticket", ticket.as_str().unwrap()).send().await.unwrap()
    };
    let refused = problem(claim(&fans[1], &drawn).await, 409, "group_leader_claims").await;
    assert_eq!(named(&refused).0, "Place-Ticket");
    assert!(expect(claim(&fans[0], &led["place_ticket"]).await, StatusCode::OK).await["entry_token"].is_string());
    for (refused, status, code) in [
        (lobby.group(Method::DELETE, &fans[1]).await, 409, "group_closed"),
        (lobby.group(Method::POST, &fans[2]).await, 409, "group_closed"),
        (lobby.join(&fans[3], Some(code)).await, 409, "group_closed"),
        (lobby.group(Method::GET, &fans[3]).await, 404, "in_no_group"),
    ] {
        problem(refused, status, code).await;
    }
}

#[tokio::test]
async fn a_room_without_groups_says_so_and_what_is_asked_is_bounded() {
    let world = World::new().await;
    let (organizer, fan) = (world.person(Role::Organizer).await, world.person(Role::User).await);
    let event = world.published(&organizer, -60, 7_200).await;
    world.board_in(event, &["lobby"]).await;
    let lobby = Lobby { world, organizer, queue: format!("/v1/events/{event}/queue") };
    expect(lobby.join(&fan, None).await, StatusCode::CREATED).await;
    problem(lobby.group(Method::POST, &fan).await, 409, "groups_not_allowed").await;
    problem(lobby.join(&fan, Some("any")).await, 409, "groups_not_allowed").await;
    let stranger = Person { token: "x".into(), ..fan.clone() };
    problem(lobby.group(Method::GET, &stranger).await, 401, "access_token_invalid").await;
    // Thirty at once, and one more every two seconds: a slow machine gets a few more.
    let mut given = 1;
    let refused = loop {
        let answer = lobby.group(Method::GET, &fan).await;
        if answer.status() != StatusCode::NOT_FOUND || given == 60 {
            break answer;
        }
        given += 1;
    };
    assert!(given >= 30, "{given}");
    problem(refused, 429, "rate_limited").await;
}
