//! Tickets from before Redis lost the room and was filled again, shown at the gateway.

use std::sync::Arc;
use std::time::Duration;

use goticket_domain::EventId;
use goticket_domain::identity::Role;
use goticket_domain::queue::{PlaceId, PlaceKind, PlaceTicket};
use goticket_gateway::{Gateway, GrpcWaitingRoom};
use goticket_platform::http::serve;
use goticket_testkit::{eventually, free_port};
use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::world::{Person, SOON, World, expect, problem};

/// A ticket that this fan got before Redis lost the room.
fn old_ticket(world: &World, event: EventId, fan: &Person, kind: PlaceKind) -> String {
    let place = PlaceId::of(&world.keys.place.event_key(event), fan.id);
    let issued_at_ms = Timestamp::now().as_millisecond();
    world.keys.place.sign(&PlaceTicket { place, event, account: fan.id, kind, epoch: 0, issued_at_ms })
}

#[tokio::test]
async fn a_lobby_is_a_lobby_also_for_old_tickets_and_exact_questions() {
    let world = World::new().await;
    let (organizer, fan, other) =
        (world.person(Role::Organizer).await, world.person(Role::User).await, world.person(Role::User).await);
    let event = world.published(&organizer, -60, 7_200).await;
    let queue = format!("/v1/events/{event}/queue");
    world.board_in(event, &["lobby"]).await;
    let joined = expect(world.post(&queue, Some(&other), &json!({})).await, StatusCode::CREATED).await;
    let old = old_ticket(&world, event, &fan, PlaceKind::Lobby);
    let new = joined["place_ticket"].as_str().unwrap().to_owned();
    for (who, ticket, query) in [(&fan, &old, ""), (&fan, &old, ""), (&fan, &old, "?exact=true"), (&other, &new, "?exact=true")] {
        let request = world.request(Method::GET, &format!("{queue}/place{query}"), Some(who)).header("Place-Ticket", ticket);
        let place = expect(request.send().await.unwrap(), StatusCode::OK).await;
        assert_eq!((&place["location"]["where"], &place["state"]), (&json!("lobby"), &json!("lobby")), "{place}");
    }
    let waiting = async || world.get(&format!("{queue}/control"), Some(&organizer)).await.json::<Value>().await.unwrap();
    assert_eq!(waiting().await["waiting"], 2, "the old ticket brought its place back");
}

#[tokio::test]
async fn who_joins_again_with_their_old_ticket_gets_their_old_place() {
    let world = World::new().await;
    let organizer = world.person(Role::Organizer).await;
    let event = world.event(&organizer).await;
    let queue = format!("/v1/events/{event}/queue");
    world.board_in(event, &["open"]).await;
    let pause = json!({ "state": "paused", "reason": "a test" });
    let answer = world.request(Method::PATCH, &format!("{queue}/control"), Some(&organizer)).json(&pause).send().await.unwrap();
    expect(answer, StatusCode::OK).await;
    let (kept, forgot, damaged) =
        (world.person(Role::User).await, world.person(Role::User).await, world.person(Role::User).await);
    let old = old_ticket(&world, event, &kept, PlaceKind::Late { sequence: 700 });
    let rows = [
        (&kept, Some(old.as_str()), StatusCode::OK, 700),
        (&forgot, None, StatusCode::CREATED, 0),
        (&damaged, Some("damaged"), StatusCode::CREATED, 1),
    ];
    for (fan, ticket, status, sequence) in rows {
        let mut request = world.request(Method::POST, &queue, Some(fan));
        if let Some(ticket) = ticket {
            request = request.header("Place-Ticket", ticket);
        }
        let joined = expect(request.send().await.unwrap(), status).await;
        assert_eq!(joined["place"]["sequence"], sequence, "{joined}");
    }
}

#[tokio::test]
async fn an_old_ticket_asks_the_waiting_room_once() {
    let world = World::new().await;
    let (organizer, fan, other) =
        (world.person(Role::Organizer).await, world.person(Role::User).await, world.person(Role::User).await);
    let lobby = world.published(&organizer, -60, 7_200).await;
    let paused = world.event(&organizer).await;
    world.board_in(paused, &["open"]).await;
    let pause = json!({ "state": "paused", "reason": "a test" });
    let control = format!("/v1/events/{paused}/queue/control");
    let answer = world.request(Method::PATCH, &control, Some(&organizer)).json(&pause).send().await.unwrap();
    expect(answer, StatusCode::OK).await;

    let port = free_port();
    let secret: SecretString = "0123456789abcdef0123456789abcdef".into();
    let room = GrpcWaitingRoom::new(&format!("http://127.0.0.1:{port}").parse().unwrap(), Some(&secret)).unwrap();
    let gateway = Gateway::start(world.config.clone(), Arc::new(room)).await.unwrap();
    let end = CancellationToken::new();
    let routes = goticket_admission::grpc_router(world.room.clone(), &secret, end.clone());
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let ended = tokio::spawn(serve(listener, routes, end.clone(), Duration::from_secs(1)));

    let poll = async |event: EventId, who: &Person, kind: PlaceKind| {
        let url = format!("http://{}/v1/events/{event}/queue/place", gateway.address());
        let ticket = old_ticket(&world, event, who, kind);
        world.http.get(url).bearer_auth(&who.token).header("Place-Ticket", ticket).send().await.unwrap()
    };
    let late = PlaceKind::Late { sequence: 7 };
    let rows = [(lobby, PlaceKind::Lobby, "lobby"), (paused, late, "waiting")];
    for (event, kind, place) in rows {
        eventually("the place is found again", SOON, async || {
            let answer = poll(event, &fan, kind).await;
            let found = answer.status() == StatusCode::OK && answer.json::<Value>().await.unwrap()["location"]["where"] == place;
            found.then_some(())
        })
        .await;
    }
    // The waiting room is silent from now on; the boards stay fresh for a while.
    end.cancel();
    ended.await.unwrap().unwrap();
    for (event, kind, place) in rows {
        let body = expect(poll(event, &fan, kind).await, StatusCode::OK).await;
        assert_eq!(body["location"]["where"], place, "from memory: {body}");
        problem(poll(event, &other, kind).await, 503, "unavailable").await;
    }
    gateway.stop().await.unwrap();
}
