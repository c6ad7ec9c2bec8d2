//! The draw as fans and checkers see it.

use goticket_domain::identity::Role;
use goticket_testkit::eventually;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::{Person, SOON, World, expect, problem};

struct Lobby {
    world: World,
    organizer: Person,
    queue: String,
    fan: Person,
    joined: Value,
}

impl Lobby {
    async fn new() -> Self {
        let world = World::new().await;
        let (organizer, fan) = (world.person(Role::Organizer).await, world.person(Role::User).await);
        let event = world.published(&organizer, -60, 7_200).await;
        world.board_in(event, &["lobby"]).await;
        let queue = format!("/v1/events/{event}/queue");
        let joined = expect(world.post(&queue, Some(&fan), &json!({})).await, StatusCode::CREATED).await;
        Self { world, organizer, queue, fan, joined }
    }

    async fn with(&self, path: &str, ticket: &Value) -> reqwest::Response {
        let path = format!("{}{path}", self.queue);
        self.world.request(Method::GET, &path, None).header("Place-Ticket", ticket.as_str().unwrap()).send().await.unwrap()
    }

    async fn draw(&self) -> Value {
        expect(self.world.get(&format!("{}/draw", self.queue), None).await, StatusCode::OK).await
    }

    /// The sale starts, and boards say that its order is drawn.
    async fn is_drawn(&self) {
        let body = json!({ "state": "open", "rate_per_min": 0, "reason": "a test" });
        let path = format!("{}/control", self.queue);
        let changed = self.world.request(Method::PATCH, &path, Some(&self.organizer)).json(&body).send().await.unwrap();
        expect(changed, StatusCode::OK).await;
        eventually("a board with the seed", SOON, async || {
            let board = expect(self.world.get(&format!("{}/board", self.queue), None).await, StatusCode::OK).await;
            board["draw"]["seed"].is_string().then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_ticket_from_before_the_draw_is_answered_with_one_that_says_the_rank() {
    let lobby = Lobby::new().await;
    let old = &lobby.joined["place_ticket"];
    let waits = expect(lobby.with("/place", old).await, StatusCode::OK).await;
    assert_eq!((&waits["location"]["where"], &waits["drawn"]), (&json!("lobby"), &Value::Null));
    lobby.is_drawn().await;

    let told = expect(lobby.with("/place", old).await, StatusCode::OK).await;
    assert_eq!((&told["location"]["where"], &told["location"]["ahead"]), (&json!("waiting"), &json!(0)), "{told}");
    let place = &told["drawn"]["place"];
    assert_eq!((&place["kind"], &place["rank"], &place["id"]), (&json!("drawn"), &json!(0), &lobby.joined["place"]["id"]));
    let renewed = &told["drawn"]["place_ticket"];
    let again = expect(lobby.with("/place", renewed).await, StatusCode::OK).await;
    assert_eq!((&again["location"], &again["drawn"]), (&told["location"], &Value::Null));
    let found = expect(lobby.world.post(&lobby.queue, Some(&lobby.fan), &json!({})).await, StatusCode::OK).await;
    assert_eq!((&found["place"], &found["receipt"]), (place, &Value::Null));

    // Who does not take it is told less, and meets no error.
    let mut told = Vec::new();
    for _ in 0..8 {
        let place = expect(lobby.with("/place", old).await, StatusCode::OK).await;
        told.push(place["location"]["where"].as_str().unwrap().to_owned());
    }
    assert_eq!(told[..5], ["waiting"; 5]);
    assert_eq!(told[7], "drawn");
}

#[tokio::test]
async fn the_draw_is_public_step_by_step_with_what_proves_a_place() {
    let lobby = Lobby::new().await;
    let (receipt, ticket) = (&lobby.joined["receipt"], &lobby.joined["place_ticket"]);
    let announced = lobby.draw().await;
    let terms = &announced["announced"][0]["terms"];
    assert_eq!((&terms["algorithm"], &terms["beacon"]), (&json!("goticket-draw-1"), &Value::Null));
    assert_eq!((&announced["closed"], &announced["outcome"], &announced["proofs"]), (&Value::Null, &Value::Null, &Value::Null));
    assert_eq!((&receipt["position"], &receipt["place"]), (&json!(0), &lobby.joined["place"]["id"]));
    let entries = format!("{}/draw/entries", lobby.queue);
    problem(lobby.world.get(&entries, None).await, 409, "not_closed").await;
    let early = expect(lobby.with("/draw?position=0", ticket).await, StatusCode::OK).await;
    assert_eq!(early["proofs"], Value::Null);
    lobby.is_drawn().await;

    let drawn = expect(lobby.with("/draw?position=0", ticket).await, StatusCode::OK).await;
    assert_eq!((&drawn["closed"]["size"], &drawn["outcome"]["places"]), (&json!(1), &json!(1)));
    let nothing_else = json!({ "index": 0, "path": [] });
    assert_eq!((&drawn["proofs"]["entry"], &drawn["proofs"]["rank"]), (&nothing_else, &nothing_else), "{drawn}");
    let list = lobby.world.get(&entries, None).await;
    assert_eq!((list.status(), &list.headers()["content-type"]), (StatusCode::OK, &"application/octet-stream".parse().unwrap()));
    assert!(!list.headers().contains_key("next-entry"));
    let list = hex::encode(list.bytes().await.unwrap());
    assert_eq!(list, format!("01{}", lobby.joined["place"]["id"].as_str().unwrap()));
    let forged = lobby.with("/draw", &json!("p2.forged")).await;
    problem(forged, 403, "place_ticket_invalid").await;
}
