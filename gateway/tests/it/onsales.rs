//! Further onsales of an event: how organizers open them, and what their fans may book.

use goticket_domain::EventId;
use goticket_domain::booking::{Answer, Outcome};
use goticket_domain::identity::Role;
use goticket_domain::queue::PlaceId;
use goticket_tokens::Entrance;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::lanes::{Commands, hold, reply};
use crate::world::{Person, World, event_body, expect, id_of, problem};

const HOUR: i64 = 3_600;

fn draft(kind: &str, categories: &[u64], lobby_s: i64) -> Value {
    let at = |seconds: i64| (Timestamp::now() + SignedDuration::from_secs(seconds)).to_string();
    json!({ "kind": kind, "categories": categories, "lobby_opens_at": at(lobby_s), "onsale_at": at(lobby_s + 600),
            "title": "Places for wheelchairs" })
}

async fn open(world: &World, organizer: &Person, event: EventId, body: &Value) -> Response {
    world.post(&format!("/v1/events/{event}/onsales"), Some(organizer), body).await
}

/// The seats of an event, by category: number and section.
async fn seats(world: &World, event: EventId) -> Vec<(u64, u64, u64)> {
    let map = expect(world.get(&format!("/v1/events/{event}/seats"), None).await, StatusCode::OK).await;
    let seat =
        |seat: &Value| (seat["category"].as_u64().unwrap(), seat["no"].as_u64().unwrap(), seat["section"].as_u64().unwrap());
    map["seats"].as_array().unwrap().iter().map(seat).collect()
}

#[tokio::test]
async fn an_organizer_opens_a_line_for_some_of_the_seats() {
    let world = World::new().await;
    let (organizer, other) = (world.person(Role::Organizer).await, world.person(Role::Organizer).await);
    let event = world.published(&organizer, HOUR, 2 * HOUR).await;
    let shown = expect(world.get(&format!("/v1/events/{event}"), None).await, StatusCode::OK).await;
    assert_eq!((shown.get("onsales"), shown.get("onsale_of")), (None, None));
    let category = shown["categories"][1].clone();
    let body = draft("accessible", &[category["no"].as_u64().unwrap()], HOUR);
    problem(open(&world, &other, event, &body).await, 403, "not_your_event").await;
    let answer = open(&world, &organizer, event, &body).await;
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let onsale = expect(answer, StatusCode::CREATED).await;
    assert_eq!(location, format!("/v1/events/{}", id_of(&onsale)));
    assert_eq!((&onsale["onsale_of"], &onsale["onsale_kind"]), (&json!(event), &json!("accessible")));
    assert_eq!((&onsale["status"], &onsale["title"]), (&json!("published"), &json!("Places for wheelchairs")));
    assert_eq!((&onsale["categories"], &onsale["capacity"]), (&json!([category]), &category["seats"]));
    let shown = expect(world.get(&format!("/v1/events/{event}"), None).await, StatusCode::OK).await;
    assert_eq!(shown["onsales"], json!([{ "id": id_of(&onsale), "kind": "accessible" }]));
    // It has a queue of its own, and the seats are elsewhere.
    let onsale = EventId(id_of(&onsale));
    world.board_in(onsale, &["scheduled"]).await;
    for path in ["seats", "availability", "seats/stream"] {
        problem(world.get(&format!("/v1/events/{onsale}/{path}"), None).await, 409, "onsale_of_another").await;
    }
    problem(open(&world, &organizer, onsale, &body).await, 409, "onsale_of_another").await;
}

#[tokio::test]
async fn an_onsale_that_would_not_be_fair_is_refused() {
    let world = World::new().await;
    let organizer = world.person(Role::Organizer).await;
    let (early, begun) = (world.published(&organizer, HOUR, 2 * HOUR).await, world.event(&organizer).await);
    world.board_in(begun, &["open"]).await;
    let rows = [
        (early, draft("accessible", &[], HOUR), 422, "invalid_field", "/categories"),
        (early, draft("accessible", &[99], HOUR), 422, "invalid_field", "/categories"),
        (early, draft("second_draw", &[0], HOUR), 422, "invalid_field", "/categories"),
        (early, draft("second_draw", &[], 500), 422, "invalid_field", "/lobby_opens_at"),
        (early, draft("accessible", &[1], 100 * 24 * HOUR), 422, "invalid_field", "/onsale_at"),
        (early, draft("second_draw", &[], HOUR), 409, "still_selling", "event"),
        (begun, draft("accessible", &[1], HOUR), 409, "lobby_open", "event"),
    ];
    for (event, body, status, code, place) in rows {
        let told = problem(open(&world, &organizer, event, &body).await, status, code).await;
        assert!(told["errors"][0].to_string().contains(place), "{told}");
    }
    let venue = world.venue(&organizer).await;
    let body = world.post("/v1/events", Some(&organizer), &event_body(venue, HOUR, 2 * HOUR)).await;
    let unpublished = EventId(id_of(&expect(body, StatusCode::CREATED).await));
    problem(open(&world, &organizer, unpublished, &draft("accessible", &[1], HOUR)).await, 409, "not_published").await;
}

#[tokio::test]
async fn a_fan_books_what_their_line_lets_in_to() {
    let world = World::new().await;
    let (organizer, fan) = (world.person(Role::Organizer).await, world.person(Role::User).await);
    let event = world.published(&organizer, HOUR, 2 * HOUR).await;
    let opened = open(&world, &organizer, event, &draft("accessible", &[1], HOUR)).await;
    let onsale = EventId(id_of(&expect(opened, StatusCode::CREATED).await));
    let seats = seats(&world, event).await;
    let of = |category| *seats.iter().find(|seat| seat.0 == category).unwrap();
    let (general, accessible) = (of(0), of(1));
    let mixed = seats.iter().find(|seat| seat.0 == 1 && seats.iter().any(|other| other.0 != 1 && other.2 == seat.2)).unwrap().2;
    let token = |line: EventId, categories: &[u16]| {
        let entrance = Entrance { event, onsale: line, categories: Some(categories.to_vec()) };
        let place = PlaceId::of(&world.keys.place.event_key(line), fan.id);
        let now = Timestamp::now();
        world.keys.entry_signer.issue(entrance, fan.id, place, now, now + SignedDuration::from_mins(10))
    };
    let ask = async |at: EventId, token: &str, key: &str, body: Value| {
        let request = world.request(Method::POST, &format!("/v1/events/{at}/bookings"), Some(&fan));
        let request = request.header("Entry-Token", token).header("Idempotency-Key", key).header("Prefer", "wait=30");
        request.json(&body).send().await.unwrap()
    };
    let (own, further) = (token(event, &[0]), token(onsale, &[1]));
    let rows = [
        (&own, json!({ "seats": [accessible.1] })),
        (&own, json!({ "section": accessible.2, "quantity": 1, "category": 1 })),
        (&own, json!({ "section": mixed, "quantity": 1 })),
        (&further, json!({ "seats": [general.1] })),
        (&further, json!({ "section": mixed, "quantity": 1 })),
    ];
    for (token, body) in rows {
        problem(ask(event, token, "k", body).await, 403, "category_not_offered").await;
    }
    problem(ask(onsale, &further, "k", json!({ "seats": [accessible.1] })).await, 409, "onsale_of_another").await;
    let mut commands = Commands::of(&world).await;
    let owner = async {
        let message = commands.next(goticket_contracts::amqp::CommandKind::Requests).await;
        let goticket_domain::booking::Command::Create { request } = message.command.clone() else { panic!("{message:?}") };
        assert_eq!(request.event, event);
        let seat = u32::try_from(accessible.1).unwrap();
        let outcome: Outcome = hold(&world, &request, request.booking, &[(seat, 2_500)]).await;
        reply(&world, &message, Answer::Decided { decided: outcome, replayed: false }).await;
    };
    let (answer, ()) = tokio::join!(ask(event, &further, "k", json!({ "seats": [accessible.1] })), owner);
    expect(answer, StatusCode::CREATED).await;
}
