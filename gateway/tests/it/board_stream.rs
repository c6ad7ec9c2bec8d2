//! A room's boards as those who wait read them: the bytes of the board's own address, until it is their turn.

use goticket_domain::EventId;
use goticket_domain::identity::Role;
use goticket_testkit::eventually;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::event_stream::{Event, EventStream, ask};
use crate::world::{Person, SOON, World, expect, problem};

/// Of one place, as the gateway has it.
const STREAMS_OF_PLACE_MAX: usize = 8;

struct Line {
    world: World,
    organizer: Person,
    event: EventId,
    queue: String,
    ticket: String,
}

impl Line {
    /// In a paused room, with a place in it.
    async fn new() -> Self {
        let world = World::new().await;
        let (organizer, fan) = (world.person(Role::Organizer).await, world.person(Role::User).await);
        let event = world.event(&organizer).await;
        world.board_in(event, &["open"]).await;
        let queue = format!("/v1/events/{event}/queue");
        let line = Self { world, organizer, event, queue, ticket: String::new() };
        line.set("paused").await;
        let joined = expect(line.world.post(&line.queue, Some(&fan), &json!({})).await, StatusCode::CREATED).await;
        Self { ticket: joined["place_ticket"].as_str().unwrap().to_owned(), ..line }
    }

    async fn set(&self, state: &str) {
        let change = json!({ "state": state, "reason": "a test" });
        let request = self.world.request(Method::PATCH, &format!("{}/control", self.queue), Some(&self.organizer)).json(&change);
        expect(request.send().await.unwrap(), StatusCode::OK).await;
    }

    fn path(&self) -> String {
        format!("{}/stream?ticket={}", self.queue, self.ticket)
    }

    async fn stream(&self, last: Option<&str>) -> EventStream {
        EventStream::open(&self.world, &self.path(), None, last).await
    }

    async fn ask(&self, last: Option<&str>) -> Response {
        ask(&self.world, &self.path(), None, last).await
    }
}

/// (log, at).
fn version(event: &Event) -> (u64, u64) {
    let (log, at) = event.id.split_once('-').unwrap();
    (log.parse().unwrap(), at.parse().unwrap())
}

#[tokio::test]
async fn boards_come_in_order_until_the_turn_and_then_no_one_comes_back() {
    let line = Line::new().await;
    let mut stream = line.stream(None).await;
    let first = stream.next().await.unwrap();
    assert_eq!((first.name.as_str(), &first.data["event"]), ("board", &json!(line.event)));
    assert!(stream.retry_ms.is_some_and(|ms| (2_000..=5_000).contains(&ms)));
    line.set("open").await;
    let (mut told, mut latest) = (version(&first), first);
    let end = loop {
        let event = stream.next().await.unwrap();
        if event.name != "board" {
            break event;
        }
        assert!(version(&event) > told, "{event:?} after {told:?}");
        (told, latest) = (version(&event), event);
    };
    assert_eq!((end.name.as_str(), end.data), ("turn", json!({})));
    assert!(latest.data["frontier"].is_u64(), "{latest:?}");
    assert_eq!(stream.next().await, None);
    assert_eq!(line.ask(Some(&end.id)).await.status(), StatusCode::NO_CONTENT);
    let mut again = line.stream(Some(&latest.id)).await;
    assert_eq!([again.next().await, again.next().await].map(|event| event.unwrap().name), ["board", "turn"]);
}

#[tokio::test]
async fn an_event_is_what_the_boards_address_answers() {
    let line = Line::new().await;
    eventually("the same board twice", SOON, async || {
        let event = line.stream(None).await.next().await.unwrap();
        let board = line.world.get(&format!("{}/board", line.queue), None).await.json::<Value>().await.unwrap();
        (event.data == board).then_some(())
    })
    .await;
}

#[tokio::test]
async fn who_comes_back_gets_what_is_newer() {
    let line = Line::new().await;
    let first = line.stream(None).await.next().await.unwrap();
    let next = line.stream(Some(&first.id)).await.next().await.unwrap();
    assert!(version(&next) > version(&first), "{next:?} after {first:?}");
}

#[tokio::test]
async fn the_ticket_is_shown_in_the_query_or_a_header_and_must_be_good() {
    let line = Line::new().await;
    let path = format!("{}/stream", line.queue);
    let request = line.world.request(Method::GET, &path, None).header("Place-Ticket", &line.ticket);
    EventStream::of(request.send().await.unwrap()).next().await.unwrap();
    for query in ["", "?ticket=", "?ticket=p2.x.y"] {
        problem(ask(&line.world, &format!("{path}{query}"), None, None).await, 403, "place_ticket_invalid").await;
    }
    problem(ask(&line.world, &format!("{path}?tickets=x"), None, None).await, 400, "invalid_query").await;
}

#[tokio::test]
async fn a_places_streams_are_bounded() {
    let line = Line::new().await;
    let open = futures::future::join_all((0..STREAMS_OF_PLACE_MAX).map(|_| line.stream(None))).await;
    problem(line.ask(None).await, 429, "too_many_streams").await;
    drop(open);
    eventually("a free stream", SOON, async || line.ask(None).await.status().is_success().then_some(())).await;
}
