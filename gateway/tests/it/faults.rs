//! Servers that go away, and the gateway itself going.

use std::time::Duration;

use goticket_contracts::amqp::{CommandKind, Names, booking_topology};
use goticket_contracts::redis_keys::pending;
use goticket_domain::booking::BookingState;
use goticket_domain::identity::Role;
use goticket_gateway::Gateway;
use goticket_platform::amqp;
use goticket_testkit::eventually;
use lapin::options::QueueDeleteOptions;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::lanes::{Commands, end_hold, hold};
use crate::sale::Sale;
use crate::world::{SOON, World, expect, problem};

#[tokio::test]
async fn without_redis_maps_are_read_past_it_and_what_needs_it_says_so() {
    let (world, links) = World::behind_links().await;
    let (organizer, fan) = (world.person(Role::Organizer).await, world.person(Role::User).await);
    let event = world.event(&organizer).await;
    world.board_in(event, &["open"]).await;
    let registration = json!({ "email": "a@example.com", "password": "correct horse", "name": "A" });
    let session = expect(world.post("/v1/auth/register", None, &registration).await, StatusCode::CREATED).await;
    let refresh = json!({ "refresh_token": session["refresh_token"] });

    links.redis.cut();
    let map = expect(world.get(&format!("/v1/events/{event}/seats"), None).await, StatusCode::OK).await;
    assert_eq!(map["version"], 0);
    problem(world.post("/v1/auth/refresh", None, &refresh).await, 503, "unavailable").await;
    problem(world.post(&format!("/v1/events/{event}/queue"), Some(&fan), &json!({})).await, 503, "unavailable").await;
    // A request for seats is still accepted; nobody hears the reply, so the fan gets a status page.
    let answer = world
        .request(Method::POST, &format!("/v1/events/{event}/bookings"), Some(&fan))
        .header("Entry-Token", world.entry_token(event, &fan))
        .header("Idempotency-Key", "k")
        .header("Prefer", "wait=1")
        .json(&json!({ "seats": [1] }))
        .send()
        .await
        .unwrap();
    expect(answer, StatusCode::ACCEPTED).await;
    let ready = world.private("/readyz").await;
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    let report: Value = ready.json().await.unwrap();
    assert_eq!(
        (&report["dependencies"]["redis"]["ok"], &report["dependencies"]["postgres"]["ok"]),
        (&json!(false), &json!(true))
    );

    links.redis.restore();
    eventually("ready again", SOON, async || (world.private("/readyz").await.status() == StatusCode::OK).then_some(())).await;
    expect(world.post("/v1/auth/refresh", None, &refresh).await, StatusCode::OK).await;
}

#[tokio::test]
async fn without_redis_a_cancellation_is_found_in_the_database() {
    let (world, links) = World::behind_links().await;
    let sale = Sale::at(world).await;
    let (location, request) = sale.leave_request("k", &json!({ "seats": [1] })).await;
    hold(&sale.world, &request, request.booking, &[(1, 2_500)]).await;
    links.redis.cut();
    let owner = async {
        sale.command().await;
        end_hold(&sale.world, sale.event, request.booking, BookingState::Cancelled).await;
    };
    let both = async { tokio::join!(sale.cancel(&location, "wait=30"), owner) };
    let (answer, ()) = tokio::time::timeout(SOON, both).await.expect("it does not wait for a reply that cannot come");
    assert_eq!(expect(answer, StatusCode::OK).await["state"], "cancelled");
}

#[tokio::test]
async fn without_lanes_no_gateway_starts() {
    let world = World::new().await;
    sqlx::query("DELETE FROM lanes").execute(&world.pool).await.unwrap();
    let refused = Gateway::start(world.config.clone(), world.room.clone()).await.err().expect("it knows no queue");
    assert!(format!("{refused:#}").contains("goticket migrate"), "{refused:#}");
}

#[tokio::test]
async fn without_the_broker_nothing_is_accepted_and_the_key_stays_free() {
    let (world, links) = World::behind_links().await;
    let (organizer, fan) = (world.person(Role::Organizer).await, world.person(Role::User).await);
    let event = world.event(&organizer).await;
    let ask = async || {
        let request = world.request(Method::POST, &format!("/v1/events/{event}/bookings"), Some(&fan));
        let request = request.header("Entry-Token", world.entry_token(event, &fan)).header("Idempotency-Key", "k");
        request.header("Prefer", "wait=0").json(&json!({ "seats": [1] })).send().await.unwrap()
    };
    links.amqp.cut();
    let answer = ask().await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    let body: Value = answer.json().await.unwrap();
    assert!(["not_accepted", "acceptance_unknown"].contains(&body["code"].as_str().unwrap()), "{body}");
    links.amqp.restore();
    eventually("the broker is back", SOON, async || (ask().await.status() == StatusCode::ACCEPTED).then_some(())).await;
}

/// A broker that says nothing may have the request: a fan who asks again under the same key risks nothing, and is not held back by it.
#[tokio::test]
async fn what_a_silent_broker_was_given_is_not_known_and_does_not_count() {
    let (world, links) = World::behind_links_with(&[("UNDECIDED_MAX", "1")]).await;
    let sale = Sale::at(world).await;
    let seats = json!({ "seats": [1] });
    links.amqp.hush();
    let unknown = sale.ask("k", "wait=0", &seats).await;
    problem(unknown, 503, "acceptance_unknown").await;
    links.amqp.restore();
    eventually("another key of the account", SOON, async || {
        let answer = sale.ask("other", "wait=0", &json!({ "seats": [3] })).await;
        assert_ne!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
        (answer.status() == StatusCode::ACCEPTED).then_some(())
    })
    .await;
    expect(sale.ask("k", "wait=0", &seats).await, StatusCode::ACCEPTED).await;
}

#[tokio::test]
async fn what_was_accepted_is_not_denied_when_the_database_goes() {
    let (world, links) = World::behind_links().await;
    let sale = Sale::at(world).await;
    let taken = async {
        let (_, request) = sale.request().await;
        links.postgres.cut();
        request
    };
    let seats = json!({ "seats": [1] });
    let (answer, request) = tokio::join!(sale.ask("k", "wait=3", &seats), taken);
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    expect(answer, StatusCode::ACCEPTED).await;
    links.postgres.restore();

    hold(&sale.world, &request, request.booking, &[(1, 2_500)]).await;
    let given_back = async {
        sale.command().await;
        links.postgres.cut();
    };
    let (answer, ()) = tokio::join!(sale.cancel(&location, "wait=3"), given_back);
    expect(answer, StatusCode::ACCEPTED).await;
}

/// Redis forgets who waits; what becomes of the request it cannot forget.
#[tokio::test]
async fn a_status_page_that_redis_forgot_is_there_again_with_the_outcome() {
    let sale = Sale::new().await;
    let (location, request) = sale.leave_request("k", &json!({ "seats": [1] })).await;
    let noted = pending(sale.world.redis.prefix(), request.booking);
    let forgotten: i64 = sale.world.redis.query(redis::cmd("DEL").arg(noted)).await.unwrap();
    assert_eq!(forgotten, 1);
    problem(sale.show(&location).await, 404, "booking_not_found").await;
    hold(&sale.world, &request, request.booking, &[(1, 2_500)]).await;
    assert_eq!(expect(sale.show(&location).await, StatusCode::OK).await["state"], "held");
}

#[tokio::test]
async fn what_no_queue_takes_is_not_accepted_and_the_key_stays_free() {
    let sale = Sale::new().await;
    let broker = amqp::connect(&sale.world.config.amqp, "test").await.unwrap();
    let names = Names::new(broker.prefix());
    let queue = names.lane_queue(crate::lanes::count().of(sale.event), CommandKind::Requests);
    // Its commands are read by nobody else from now on.
    let deleted = broker.channel().await.unwrap().queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await;
    assert_eq!(deleted.unwrap(), 0);
    let seats = json!({ "seats": [1] });
    problem(sale.ask("k", "wait=0", &seats).await, 503, "not_accepted").await;
    broker.declare(&booking_topology(&names, crate::lanes::count())).await.unwrap();
    let (_, request) = sale.leave_request("k", &seats).await;
    assert_eq!(request.key.as_str(), "k");
}

#[tokio::test]
async fn on_its_way_out_the_gateway_answers_those_who_wait() {
    let mut world = World::new().await;
    let (organizer, fan) = (world.person(Role::Organizer).await, world.person(Role::User).await);
    let event = world.event(&organizer).await;
    let waiting = world
        .request(Method::POST, &format!("/v1/events/{event}/bookings"), Some(&fan))
        .header("Entry-Token", world.entry_token(event, &fan))
        .header("Idempotency-Key", "k")
        .header("Prefer", "wait=30")
        .json(&json!({ "seats": [1] }));
    let waiting = tokio::spawn(waiting.send());
    Commands::of(&world).await.next(CommandKind::Requests).await;
    tokio::time::timeout(Duration::from_secs(10), world.stop()).await.expect("it does not wait for the client's patience");
    expect(waiting.await.unwrap().unwrap(), StatusCode::ACCEPTED).await;
}

#[tokio::test]
async fn patient_bookings_leave_room_for_everybody_else() {
    let world = World::with(&[("WAITING_MAX", "1"), ("REQUESTS_MAX", "1")]).await;
    let (organizer, fan) = (world.person(Role::Organizer).await, world.person(Role::User).await);
    let event = world.event(&organizer).await;
    let queue = format!("/v1/events/{event}/queue");
    world.board_in(event, &["open"]).await;
    let joined = expect(world.post(&queue, Some(&fan), &json!({})).await, StatusCode::CREATED).await;
    let account = json!({ "email": "a@example.com", "password": "correct horse", "name": "A" });
    expect(world.post("/v1/auth/register", None, &account).await, StatusCode::CREATED).await;
    let ask = |key: &str, wait: &str| {
        let request = world.request(Method::POST, &format!("/v1/events/{event}/bookings"), Some(&fan));
        let request = request.header("Entry-Token", world.entry_token(event, &fan)).header("Idempotency-Key", key);
        request.header("Prefer", wait).json(&json!({ "seats": [1] })).send()
    };
    let patient = tokio::spawn(ask("patient", "wait=30"));
    let booking = Commands::of(&world).await.next(CommandKind::Requests).await.command.booking();
    problem(ask("next", "wait=0").await.unwrap(), 503, "overloaded").await;

    let ticket = joined["place_ticket"].as_str().unwrap();
    let poll = world.request(Method::GET, &format!("{queue}/place"), Some(&fan)).header("Place-Ticket", ticket);
    expect(poll.send().await.unwrap(), StatusCode::OK).await;
    let log_in = json!({ "email": "a@example.com", "password": "correct horse" });
    expect(world.post("/v1/auth/login", None, &log_in).await, StatusCode::OK).await;
    // A status page is a poll, too; this one is not decided and was not answered with one yet.
    problem(world.get(&format!("/v1/bookings/{booking}"), Some(&fan)).await, 404, "booking_not_found").await;

    patient.abort();
    eventually("room for the next booking", SOON, async || {
        (ask("next", "wait=0").await.unwrap().status() == StatusCode::ACCEPTED).then_some(())
    })
    .await;
}
