//! What a fan who waits is told besides their place: when, why not, and what for.

use goticket_contracts::redis_keys::EventKeys;
use goticket_domain::EventId;
use goticket_domain::identity::Role;
use goticket_testkit::eventually;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::{Person, SOON, World, expect, problem};

struct Waiting {
    world: World,
    organizer: Person,
    event: EventId,
    ticket: String,
}

impl Waiting {
    /// In a room that is paused, with one place in it.
    async fn new() -> Self {
        let world = World::new().await;
        let (organizer, fan) = (world.person(Role::Organizer).await, world.person(Role::User).await);
        let event = world.event(&organizer).await;
        world.board_in(event, &["open"]).await;
        let mut waiting = Self { world, organizer, event, ticket: String::new() };
        waiting.set(&json!({ "state": "paused", "reason": "a test" })).await;
        let joined = waiting.world.post(&format!("/v1/events/{event}/queue"), Some(&fan), &json!({})).await;
        let joined = expect(joined, StatusCode::CREATED).await;
        joined["place_ticket"].as_str().unwrap().clone_into(&mut waiting.ticket);
        waiting
    }

    async fn set(&self, change: &Value) -> Value {
        let control = format!("/v1/events/{}/queue/control", self.event);
        let request = self.world.request(Method::PATCH, &control, Some(&self.organizer)).json(change);
        expect(request.send().await.unwrap(), StatusCode::OK).await
    }

    async fn poll(&self, query: &str) -> reqwest::Response {
        let url = self.world.url(&format!("/v1/events/{}/queue/place{query}", self.event));
        self.world.http.get(url).header("Place-Ticket", &self.ticket).send().await.unwrap()
    }

    /// The first answer that says this.
    async fn told(&self, query: &str, what: &str, says: impl Fn(&Value) -> bool) -> Value {
        eventually(what, SOON, async || {
            let place = expect(self.poll(query).await, StatusCode::OK).await;
            says(&place).then_some(place)
        })
        .await
    }

    /// Of the arena's categories these have so many free seats, and the others none.
    async fn left(&self, free: &[(u16, u32)]) {
        let key = EventKeys::new(self.world.redis.prefix(), self.event).availability();
        let mut count = redis::cmd("HSET");
        count.arg(key);
        for category in 0..4 {
            let seats = free.iter().find(|(of, _)| *of == category).map_or(0, |(_, seats)| *seats);
            count.arg(format!("free:{category}")).arg(seats).arg(format!("held:{category}")).arg(0);
        }
        let _: u64 = self.world.redis.query(&count).await.unwrap();
    }
}

#[tokio::test]
async fn a_place_says_when_the_turn_comes_and_why_the_line_stands_still() {
    let waiting = Waiting::new().await;
    let paused = waiting.told("", "the pause", |place| place["held_up_by"] == "paused").await;
    let eta = &paused["location"]["eta"];
    assert_eq!(eta["line"], "stands_still", "{paused}");
    assert!(eta["from_s"].as_u64() <= eta["to_s"].as_u64() && eta["to_s"].is_u64(), "{paused}");
    let exact = expect(waiting.poll("?exact=true").await, StatusCode::OK).await;
    assert_eq!(exact["location"], paused["location"]);
    let control = format!("/v1/events/{}/queue/control", waiting.event);
    let shown = expect(waiting.world.get(&control, Some(&waiting.organizer)).await, StatusCode::OK).await;
    assert_eq!(shown["held_up_by"], "paused");

    waiting.set(&json!({ "state": "open", "rate_per_min": 0, "reason": "a test" })).await;
    waiting.told("", "no rate", |place| place["held_up_by"] == "rate_zero").await;
    waiting.set(&json!({ "rate_per_min": 6_000, "reason": "a test" })).await;
    let turn = waiting.told("", "the turn", |place| place["location"]["where"] == "turn").await;
    assert_eq!(turn["held_up_by"], Value::Null);
}

#[tokio::test]
async fn who_wants_what_is_sold_out_is_told_so_and_what_is_left_elsewhere() {
    let waiting = Waiting::new().await;
    waiting.left(&[(0, 50), (2, 5)]).await;
    let board = eventually("a count", SOON, async || {
        let board = waiting.world.board_in(waiting.event, &["paused"]).await;
        (board["availability"].as_array()?.len() == 4).then_some(board)
    })
    .await;
    assert_eq!((&board["currency"], &board["availability"][0]["price"]), (&json!("EUR"), &json!(2_500)));
    let capacities = board["availability"].as_array().unwrap().iter().map(|of| of["capacity"].as_u64().unwrap());
    assert_eq!(capacities.sum::<u64>(), u64::from(crate::world::SEATS));

    let place = waiting.told("", "chances", |place| place["chances"] != json!([])).await;
    let chances = place["chances"].as_array().unwrap();
    assert_eq!((chances.len(), &chances[1]["chance"], &place["release"]), (4, &json!("gone"), &Value::Null), "{place}");
    for (query, release) in [
        ("?categories=0", Value::Null),
        ("?categories=1,2", Value::Null),
        ("?categories=1,3", json!({ "why": "sold_out_in_your_categories", "left": [0, 2] })),
        ("?categories=1&exact=true", json!({ "why": "sold_out_in_your_categories", "left": [0, 2] })),
    ] {
        assert_eq!(expect(waiting.poll(query).await, StatusCode::OK).await["release"], release, "{query}");
    }

    waiting.left(&[]).await;
    let place = waiting.told("?categories=0", "the end", |place| place["sold_out"] == true).await;
    assert_eq!((&place["release"]["why"], &place["held_up_by"]), (&json!("sold_out"), &json!("sold_out")));
}

#[tokio::test]
async fn at_most_twenty_categories_are_asked_for() {
    let waiting = Waiting::new().await;
    let query = |numbers: u16| {
        let numbers: Vec<String> = (0..numbers).map(|number| number.to_string()).collect();
        format!("?categories={}", numbers.join(","))
    };
    expect(waiting.poll(&query(20)).await, StatusCode::OK).await;
    for wrong in [&query(21), "?categories=", "?categories=a", "?categories=1,,2", "?categories=65536", "?categories=-1"] {
        problem(waiting.poll(wrong).await, 400, "invalid_query").await;
    }
}
