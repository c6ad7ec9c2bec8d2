//! Tokens of the three kinds: expired, foreign, forged, of another kind, missing.

use goticket_domain::identity::Role;
use goticket_domain::queue::{PlaceId, PlaceKind, PlaceTicket};
use goticket_tokens::keys::Keys;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::world::{World, problem};

/// The same token with the last character of its signature changed to another one.
fn damaged(token: &str) -> String {
    let (rest, last) = token.split_at(token.len() - 2);
    format!("{rest}{}", if last.starts_with('A') { "BA" } else { "AA" })
}

#[tokio::test]
async fn an_access_token_must_be_ours_whole_of_its_kind_and_fresh() {
    let world = World::new().await;
    let fan = world.person(Role::User).await;
    let event = goticket_domain::EventId::generate();
    let forger = Keys::generate();
    let (now, hour) = (Timestamp::now(), std::time::Duration::from_hours(1));
    let past = now - SignedDuration::from_hours(2);
    let expired = world.keys.access_signer.issue(fan.id, Role::User, Uuid::new_v4(), past, hour);
    let forged = forger.access_signer.issue(fan.id, Role::Admin, Uuid::new_v4(), now, hour);
    let rows = [
        (String::new(), "access_token_missing"),
        ("Basic YTpi".to_owned(), "access_token_missing"),
        ("Bearer".to_owned(), "access_token_missing"),
        (format!("Bearer {expired}"), "access_token_expired"),
        (format!("Bearer {forged}"), "access_token_invalid"),
        (format!("Bearer {}", damaged(&fan.token)), "access_token_invalid"),
        (format!("Bearer {}", world.entry_token(event, &fan)), "access_token_invalid"),
        ("Bearer x.y.z".to_owned(), "access_token_invalid"),
        (format!("Bearer {}", "x".repeat(5_000)), "access_token_invalid"),
    ];
    for (value, code) in rows {
        let mut request = world.request(Method::GET, "/v1/me", None);
        if !value.is_empty() {
            request = request.header("Authorization", &value);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["www-authenticate"], "Bearer", "{value}");
        let body = problem(answer, 401, code).await;
        assert_eq!(body["errors"][0]["header"], "Authorization", "{body}");
    }
}

#[tokio::test]
async fn an_entry_token_must_be_for_this_account_and_this_event() {
    let world = World::new().await;
    let (organizer, fan, other) =
        (world.person(Role::Organizer).await, world.person(Role::User).await, world.person(Role::User).await);
    let event = world.event(&organizer).await;
    let (now, place) = (Timestamp::now(), PlaceId([7; 16]));
    let issue = |keys: &Keys, from: Timestamp, to: Timestamp| {
        keys.entry_signer.issue(goticket_tokens::Entrance::to_all_of(event), fan.id, place, from, to)
    };
    let (hour, day) = (SignedDuration::from_hours(1), SignedDuration::from_hours(24));
    let rows = [
        (None, 403, "entry_token_missing"),
        (Some(issue(&world.keys, now - day, now - hour)), 403, "entry_token_expired"),
        (Some(issue(&Keys::generate(), now, now + hour)), 403, "entry_token_invalid"),
        (Some(damaged(&issue(&world.keys, now, now + hour))), 403, "entry_token_invalid"),
        (Some(issue(&world.keys, now + day, now + day + hour)), 403, "entry_token_invalid"),
        (Some(fan.token.clone()), 403, "entry_token_invalid"),
        (Some(world.entry_token(event, &other)), 403, "entry_token_foreign"),
        (Some(world.entry_token(goticket_domain::EventId::generate(), &fan)), 403, "entry_token_foreign"),
    ];
    for (token, status, code) in rows {
        let path = format!("/v1/events/{event}/bookings");
        let mut request = world.request(Method::POST, &path, Some(&fan)).header("Idempotency-Key", "k");
        if let Some(token) = &token {
            request = request.header("Entry-Token", token);
        }
        let answer = request.json(&json!({ "seats": [1] })).send().await.unwrap();
        let body = problem(answer, status, code).await;
        assert_eq!(body["errors"][0]["header"], "Entry-Token", "{body}");
    }
}

#[tokio::test]
async fn a_place_ticket_must_be_ours_and_for_this_event() {
    let world = World::new().await;
    let (organizer, fan) = (world.person(Role::Organizer).await, world.person(Role::User).await);
    let event = world.event(&organizer).await;
    let good = PlaceTicket {
        place: PlaceId::of(&world.keys.place.event_key(event), fan.id),
        event,
        account: fan.id,
        kind: PlaceKind::Late { sequence: 1 },
        issued_at_ms: 0,
    };
    let sign = |ticket: &PlaceTicket| world.keys.place.sign(ticket);
    let rows = [
        None,
        Some(String::from("nonsense")),
        Some(damaged(&sign(&good))),
        Some(Keys::generate().place.sign(&good)),
        Some(sign(&PlaceTicket { event: goticket_domain::EventId::generate(), ..good.clone() })),
        Some(fan.token.clone()),
        Some(world.entry_token(event, &fan)),
    ];
    for ticket in rows {
        for (method, what) in [(Method::GET, "place"), (Method::POST, "claim")] {
            let mut request = world.request(method, &format!("/v1/events/{event}/queue/{what}"), Some(&fan));
            if let Some(ticket) = &ticket {
                request = request.header("Place-Ticket", ticket);
            }
            let body = problem(request.send().await.unwrap(), 403, "place_ticket_invalid").await;
            assert_eq!(body["errors"][0]["header"], "Place-Ticket", "{body}");
        }
    }
}
