//! Who may enter the line, over HTTP.

use std::time::Duration;

use goticket_domain::identity::{EmailAddress, Role};
use goticket_domain::queue::Challenge;
use goticket_storage::accounts;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::world::{Person, World, expect, problem};

async fn ask_for(world: &World, organizer: &Person, queue: &str, mut change: Value) -> Response {
    change["reason"] = "a test".into();
    world.request(Method::PATCH, &format!("{queue}/control"), Some(organizer)).json(&change).send().await.unwrap()
}

async fn join_with(world: &World, fan: &Person, queue: &str, header: &str, value: &str) -> Response {
    world.request(Method::POST, queue, Some(fan)).header(header, value).send().await.unwrap()
}

fn solve(challenge: &Value) -> String {
    let challenge: Challenge = serde_json::from_value(challenge.clone()).unwrap();
    challenge.solve().unwrap()
}

#[tokio::test]
async fn a_room_under_attack_lets_devices_work_before_they_join() {
    let world = World::new().await;
    let (organizer, fan, other) =
        (world.person(Role::Organizer).await, world.person(Role::User).await, world.person(Role::User).await);
    let event = world.event(&organizer).await;
    let queue = format!("/v1/events/{event}/queue");
    world.board_in(event, &["open"]).await;
    let challenge_of = async |person: &Person| world.get(&format!("{queue}/challenge"), Some(person)).await;
    expect(challenge_of(&fan).await, StatusCode::NO_CONTENT).await;

    problem(ask_for(&world, &organizer, &queue, json!({ "proof_of_work": 999 })).await, 422, "invalid_control").await;
    let control = expect(ask_for(&world, &organizer, &queue, json!({ "proof_of_work": 1_000 })).await, StatusCode::OK).await;
    assert_eq!(control["settings"]["proof_of_work"], 1_000);

    let refused = problem(world.post(&queue, Some(&fan), &json!({})).await, 428, "proof_required").await;
    assert_eq!((&refused["errors"][0]["header"], &refused["challenge"]["maxnumber"]), (&json!("Join-Proof"), &json!(1_000)));
    let proof = solve(&refused["challenge"]);
    let foreign = join_with(&world, &other, &queue, "Join-Proof", &proof).await;
    assert!(problem(foreign, 428, "proof_invalid").await["challenge"].is_object());
    expect(join_with(&world, &fan, &queue, "Join-Proof", &proof).await, StatusCode::CREATED).await;
    expect(world.post(&queue, Some(&fan), &json!({})).await, StatusCode::OK).await;

    let given = expect(challenge_of(&other).await, StatusCode::OK).await;
    assert_eq!(given["algorithm"], "SHA-256");
    expect(join_with(&world, &other, &queue, "Join-Proof", &solve(&given)).await, StatusCode::CREATED).await;
    problem(challenge_of(&Person { token: "x".into(), ..fan.clone() }).await, 401, "access_token_invalid").await;
}

#[tokio::test]
async fn an_organizer_makes_codes_sees_their_use_and_revokes_one() {
    let world = World::new().await;
    let (organizer, stranger) = (world.person(Role::Organizer).await, world.person(Role::Organizer).await);
    let event = world.event(&organizer).await;
    let queue = format!("/v1/events/{event}/queue");
    let codes = format!("{queue}/codes");
    world.board_in(event, &["open"]).await;
    let until = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1)).to_string();
    let new = json!({ "kind": "invite", "codes": 2, "uses": 1, "valid_until": until, "reason": "friends of the house" });
    let fans = [world.person(Role::User).await, world.person(Role::User).await];
    problem(world.post(&codes, Some(&fans[0]), &new).await, 403, "not_your_event").await;
    problem(world.post(&codes, Some(&stranger), &new).await, 403, "not_your_event").await;
    for (field, value) in [("codes", json!(0)), ("uses", json!(1_000_001)), ("valid_until", json!("2020-01-01T00:00:00Z"))] {
        let mut bad = new.clone();
        bad[field] = value;
        let refused = problem(world.post(&codes, Some(&organizer), &bad).await, 422, "invalid_control").await;
        assert_eq!(refused["errors"][0]["pointer"], format!("/{field}"));
    }
    let made = world.post(&codes, Some(&organizer), &new).await;
    assert_eq!(made.headers()["cache-control"], "no-store");
    let made = expect(made, StatusCode::CREATED).await;
    let [code, other] = [0, 1].map(|index| made["texts"][index].as_str().unwrap().to_owned());

    problem(ask_for(&world, &organizer, &queue, json!({ "code_until": until })).await, 422, "invalid_field").await;
    let control = ask_for(&world, &organizer, &queue, json!({ "entry": "code", "code_until": until })).await;
    assert_eq!(expect(control, StatusCode::OK).await["settings"]["entry"], "code");
    let named = |refused: &Value| refused["errors"][0]["header"] == "Join-Code";
    assert!(named(&problem(world.post(&queue, Some(&fans[0]), &json!({})).await, 403, "code_required").await));
    assert!(named(&problem(join_with(&world, &fans[0], &queue, "Join-Code", "nonsense").await, 403, "code_invalid").await));
    expect(join_with(&world, &fans[0], &queue, "Join-Code", &code).await, StatusCode::CREATED).await;
    expect(world.post(&queue, Some(&fans[0]), &json!({})).await, StatusCode::OK).await;
    problem(join_with(&world, &fans[1], &queue, "Join-Code", &code).await, 403, "code_used_up").await;

    let seen = expect(world.get(&codes, Some(&organizer)).await, StatusCode::OK).await;
    assert_eq!((&seen["items"][0]["used"], &seen["items"][0]["codes"]), (&json!(1), &json!(2)));
    assert!(!seen.to_string().contains(&code), "codes are told once");
    let look_up = async |code: &str| world.post(&format!("{codes}/look-up"), Some(&organizer), &json!({ "code": code })).await;
    assert_eq!(expect(look_up(&code).await, StatusCode::OK).await["used"], 1);
    problem(look_up("nonsense").await, 404, "code_not_found").await;
    let revocation = json!({ "code": other, "reason": "sent to the wrong list" });
    problem(world.post(&format!("{codes}/revoke"), Some(&stranger), &revocation).await, 403, "not_your_event").await;
    let revoked = expect(world.post(&format!("{codes}/revoke"), Some(&organizer), &revocation).await, StatusCode::OK).await;
    assert!(revoked["revoked_at"].is_string(), "{revoked}");
    problem(join_with(&world, &fans[1], &queue, "Join-Code", &other).await, 403, "code_revoked").await;

    expect(ask_for(&world, &organizer, &queue, json!({ "entry": "open" })).await, StatusCode::OK).await;
    expect(world.post(&queue, Some(&fans[1]), &json!({})).await, StatusCode::CREATED).await;
}

#[tokio::test]
async fn a_room_for_verified_people_gives_each_of_them_one_place() {
    let world = World::new().await;
    let organizer = world.person(Role::Organizer).await;
    let event = world.event(&organizer).await;
    let queue = format!("/v1/events/{event}/queue");
    world.board_in(event, &["open"]).await;
    let change = ask_for(&world, &organizer, &queue, json!({ "identity": "verified_email" })).await;
    assert_eq!(expect(change, StatusCode::OK).await["settings"]["identity"], "verified_email");
    problem(ask_for(&world, &organizer, &queue, json!({ "identity": "passport" })).await, 422, "invalid_field").await;
    let fan = async |address: &str, verified: bool| {
        let email = EmailAddress::parse(address).unwrap();
        let id = accounts::insert(&world.pool, &email, "Jane", Role::User, None).await.unwrap().unwrap().id;
        assert!(!verified || accounts::verify_email(&world.pool, id, &email).await.unwrap());
        Person { id, token: world.access_token(id, Role::User, Duration::from_mins(10)) }
    };
    let join = async |fan: &Person| world.post(&queue, Some(fan), &json!({})).await;
    problem(join(&fan("j.ane@gmail.com", false).await).await, 403, "identity_not_verified").await;
    expect(join(&fan("jane@gmail.com", true).await).await, StatusCode::CREATED).await;
    problem(join(&fan("jane+2@gmail.com", true).await).await, 409, "identity_has_place").await;
}

#[tokio::test]
async fn challenges_are_bounded_per_account_and_network() {
    let world = World::with(&[("JOINS_PER_MIN", "1"), ("JOINS_BURST", "40"), ("TRUSTED_PROXIES", "1")]).await;
    let organizer = world.person(Role::Organizer).await;
    let event = world.event(&organizer).await;
    let path = format!("/v1/events/{event}/queue/challenge");
    world.board_in(event, &["open"]).await;
    let ask = async |person: &Person, address: &str| {
        world.request(Method::GET, &path, Some(person)).header("x-forwarded-for", address).send().await.unwrap()
    };
    // Thirty at once, and one more every two seconds: a slow machine gets a few more.
    let mut given = 0;
    let refused = loop {
        let answer = ask(&organizer, "192.0.2.1").await;
        if answer.status() != StatusCode::NO_CONTENT || given == 39 {
            break answer;
        }
        given += 1;
    };
    assert!(given >= 30, "{given}");
    problem(refused, 429, "rate_limited").await;
    // Of a network as many as may join.
    for _ in given..40 {
        expect(ask(&world.person(Role::User).await, "192.0.2.1").await, StatusCode::NO_CONTENT).await;
    }
    let other = world.person(Role::User).await;
    problem(ask(&other, "192.0.2.1").await, 429, "rate_limited").await;
    expect(ask(&other, "192.0.2.2").await, StatusCode::NO_CONTENT).await;
}
