//! Venues, events, seat maps.

use goticket_contracts::redis_keys::EventKeys;
use goticket_domain::booking::BookingState;
use goticket_domain::identity::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::lanes::take;
use crate::world::{SEATS, World, event_body, expect, id_of, problem};

#[tokio::test]
async fn the_theatre_comes_out_as_its_editor_drew_it() {
    let world = World::new().await;
    let organizer = world.person(Role::Organizer).await;
    let plan: Value = serde_json::from_str(include_str!("../../../crates/domain/plans/theatre.json")).unwrap();
    let body = json!({ "name": "Theatre", "time_zone": "Europe/London", "plan": plan });
    let venue = expect(world.post("/v1/venues", Some(&organizer), &body).await, StatusCode::CREATED).await;
    let counts: Vec<(&str, u64)> = venue["categories"]
        .as_array()
        .unwrap()
        .iter()
        .map(|category| (category["name"].as_str().unwrap(), category["seats"].as_u64().unwrap()))
        .collect();
    let rows = [("Premium", 207), ("Standard", 589), ("Saver", 391), ("Restricted view", 14)];
    for row in rows {
        assert!(counts.contains(&row), "{row:?} in {counts:?}");
    }
    assert_eq!(counts.iter().map(|(_, seats)| seats).sum::<u64>(), 1_211);
    assert_eq!(venue["seat_count"], 1_211);
    let shown = expect(world.get(&format!("/v1/venues/{}", id_of(&venue)), Some(&organizer)).await, StatusCode::OK).await;
    assert_eq!(shown, venue);

    let mut event = event_body(id_of(&venue), -60, -30);
    event["prices"] = json!(counts.iter().map(|(name, _)| json!({ "category": name, "amount_minor": 100 })).collect::<Vec<_>>());
    let event = expect(world.post("/v1/events", Some(&organizer), &event).await, StatusCode::CREATED).await;
    assert_eq!(event["capacity"], 1_211);
    assert_eq!(event["status"], "draft");
    let map = expect(world.get(&format!("/v1/events/{}/seats", id_of(&event)), Some(&organizer)).await, StatusCode::OK).await;
    assert_eq!(map["seats"].as_array().unwrap().len(), 1_211);
    assert!(map["seats"][0]["x"].is_number());
}

#[tokio::test]
async fn a_standing_area_becomes_a_section_without_positions() {
    let world = World::new().await;
    let organizer = world.person(Role::Organizer).await;
    let venue = world.venue(&organizer).await;
    let shown = expect(world.get(&format!("/v1/venues/{venue}"), Some(&organizer)).await, StatusCode::OK).await;
    let mut body = event_body(venue, -60, -30);
    let area = &shown["areas"][0]["id"];
    body["standing"] = json!([{ "area": area, "category": "Saver", "name": "Floor", "capacity": 50 }]);
    let event = expect(world.post("/v1/events", Some(&organizer), &body).await, StatusCode::CREATED).await;
    assert_eq!(event["capacity"], SEATS + 50);
    let floor = event["sections"].as_array().unwrap().last().unwrap();
    assert_eq!((&floor["name"], &floor["kind"], &floor["seat_count"]), (&json!("Floor"), &json!("standing"), &json!(50)));
    let map = expect(world.get(&format!("/v1/events/{}/seats", id_of(&event)), Some(&organizer)).await, StatusCode::OK).await;
    assert_eq!(map["seats"][SEATS as usize]["x"], Value::Null);
}

#[tokio::test]
async fn a_plan_is_kept_as_it_came_whatever_its_editor_added() {
    let world = World::new().await;
    let organizer = world.person(Role::Organizer).await;
    // None of our business: a text with a NUL, half a surrogate pair, a number no database can hold.
    let strange = r#"{"note": "a\u0000b", "half": "\ud800", "huge": 1e131071, "#;
    let plan = goticket_domain::seating::generate_arena(SEATS).to_string().replacen('{', strange, 1);
    let body = format!(r#"{{"name": "V", "time_zone": "Europe/Berlin", "plan": {plan}}}"#);
    let request = world.request(Method::POST, "/v1/venues", Some(&organizer)).header("content-type", "application/json");
    let venue = expect(request.body(body).send().await.unwrap(), StatusCode::CREATED).await;
    let event = world.post("/v1/events", Some(&organizer), &event_body(id_of(&venue), -60, -30)).await;
    assert_eq!(expect(event, StatusCode::CREATED).await["capacity"], SEATS);
}

#[tokio::test]
async fn a_missing_seat_map_is_rebuilt_from_the_database() {
    let world = World::new().await;
    let organizer = world.person(Role::Organizer).await;
    let event = world.event(&organizer).await;
    take(&world, event, &[0, 1], BookingState::Confirmed).await;
    take(&world, event, &[3], BookingState::Held).await;
    let path = format!("/v1/events/{event}/seats?geometry=false");
    let map = expect(world.get(&path, None).await, StatusCode::OK).await;
    assert!(map["states"].as_str().unwrap().starts_with("220100"), "{map}");
    assert_eq!(map["states"].as_str().unwrap().len(), SEATS as usize);
    assert_eq!(map.get("seats"), None);

    // It is in Redis now, with its counts, and Redis is what is read from then on.
    let keys = EventKeys::new(&world.bed.redis_prefix, event);
    let bits = redis::cmd("BITFIELD").arg(keys.seat_map()).arg(&["GET", "u2", "#1", "GET", "u2", "#3"]).to_owned();
    assert_eq!(world.redis.query::<Vec<u8>>(&bits).await.unwrap(), [2, 1]);
    let left = expect(world.get(&format!("/v1/events/{event}/availability"), None).await, StatusCode::OK).await;
    let sum = |what: &str| left["categories"].as_array().unwrap().iter().map(|c| c[what].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("free"), sum("held"), sum("sold")), (u64::from(SEATS) - 3, 1, 2));
    let hash: std::collections::HashMap<String, u64> =
        world.redis.query(redis::cmd("HGETALL").arg(keys.availability())).await.unwrap();
    let total = |what: &str| hash.iter().filter(|(name, _)| name.starts_with(what)).map(|(_, n)| n).sum::<u64>();
    assert_eq!((total("free:"), total("held:")), (u64::from(SEATS) - 3, 1));

    let settle = redis::pipe()
        .cmd("BITFIELD")
        .arg(keys.seat_map())
        .arg(&["SET", "u2", "#5", "2"])
        .ignore()
        .cmd("SET")
        .arg(keys.seat_map_version())
        .arg(7)
        .ignore()
        .to_owned();
    world.redis.pipeline::<()>(&settle).await.unwrap();
    let map = expect(world.get(&path, None).await, StatusCode::OK).await;
    assert!(map["states"].as_str().unwrap().starts_with("220102"), "{map}");
    assert_eq!(map["version"], 7);
}

#[tokio::test]
async fn a_seat_map_is_the_same_compressed_or_not() {
    let world = World::new().await;
    let organizer = world.person(Role::Organizer).await;
    let event = world.event(&organizer).await;
    take(&world, event, &[0, 1], BookingState::Confirmed).await;
    for query in ["", "?geometry=false"] {
        let path = format!("/v1/events/{event}/seats{query}");
        let plain = expect(world.get(&path, None).await, StatusCode::OK).await;
        let asked = world.request(Method::GET, &path, None).header("accept-encoding", "gzip").send().await.unwrap();
        let headers: Vec<_> =
            ["content-encoding", "vary"].iter().map(|name| asked.headers()[*name].to_str().unwrap().to_owned()).collect();
        assert_eq!(headers, ["gzip", "accept-encoding"]);
        let body = asked.bytes().await.unwrap();
        let unpacked: Value = serde_json::from_reader(flate2::read::GzDecoder::new(&body[..])).unwrap();
        assert_eq!(unpacked, plain);
    }
}

#[tokio::test]
async fn a_map_read_before_a_change_is_not_stored_after_it() {
    let world = World::new().await;
    let organizer = world.person(Role::Organizer).await;
    let event = world.event(&organizer).await;
    let keys = EventKeys::new(&world.bed.redis_prefix, event);
    let script = redis::Script::new(include_str!("../../src/outbound/seat_map/rebuild.lua"));
    let names = [keys.seat_map(), keys.seat_map_version(), keys.availability()];
    let store = async |version: &str, map: &[u8]| -> i64 {
        world.redis.eval(&script, &names, (version, map, "free:0", "4")).await.unwrap()
    };
    world.redis.query::<()>(redis::cmd("SET").arg(keys.seat_map_version()).arg(7)).await.unwrap();
    assert_eq!(store("6", &[0xFF]).await, 0, "the version has moved");
    assert_eq!(store("7", &[0x00]).await, 1);
    assert_eq!(store("7", &[0xFF]).await, 0, "a map is there");
    let map: Vec<u8> = world.redis.query(redis::cmd("GET").arg(keys.seat_map())).await.unwrap();
    assert_eq!(map, [0]);
}

#[tokio::test]
async fn an_unchanged_map_is_not_sent_again() {
    let world = World::new().await;
    let organizer = world.person(Role::Organizer).await;
    let event = world.event(&organizer).await;
    let path = format!("/v1/events/{event}/seats");
    let first = world.get(&path, None).await;
    let etag = first.headers()["etag"].clone();
    assert_eq!(first.headers()["cache-control"], "public, max-age=1");
    let again = world.request(Method::GET, &path, None).header("If-None-Match", &etag).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    take(&world, event, &[9], BookingState::Held).await;
    world.redis.query::<()>(redis::cmd("DEL").arg(EventKeys::new(&world.bed.redis_prefix, event).seat_map())).await.unwrap();
    goticket_testkit::eventually("another map", crate::world::SOON, async || {
        let answer = world.request(Method::GET, &path, None).header("If-None-Match", &etag).send().await.unwrap();
        (answer.status() == StatusCode::OK).then_some(())
    })
    .await;
}

#[tokio::test]
async fn publishing_makes_the_room_once_and_seals_the_schedule() {
    let world = World::new().await;
    let organizer = world.person(Role::Organizer).await;
    let event = world.draft(&organizer, 3_600, 7_200).await;
    let path = format!("/v1/events/{event}");
    let longer = json!({ "hold_seconds": 600 });
    let changed = world.request(Method::PATCH, &path, Some(&organizer)).json(&longer).send().await.unwrap();
    assert_eq!(expect(changed, StatusCode::OK).await["hold_seconds"], 600);
    for _ in 0..2 {
        let answer = world.post(&format!("{path}/publish"), Some(&organizer), &json!({})).await;
        assert_eq!(expect(answer, StatusCode::OK).await["status"], "published");
    }
    let (rate, burst): (i32, i32) = sqlx::query_as("SELECT rate_per_min, burst FROM rooms WHERE event = $1")
        .bind(event.0)
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!((rate, burst), (6_000, 100));
    let late = world.request(Method::PATCH, &path, Some(&organizer)).json(&longer).send().await.unwrap();
    problem(late, 409, "event_published").await;
    let title = world.request(Method::PATCH, &path, Some(&organizer)).json(&json!({ "title": "Moved" })).send().await.unwrap();
    assert_eq!(expect(title, StatusCode::OK).await["title"], "Moved");
}
