//! What answers say to caches and browsers.

use std::io::Read as _;

use flate2::read::GzDecoder;
use goticket_domain::identity::Role;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::sale::Sale;
use crate::world::{World, expect, problem};

const SHOP: &str = "https://tickets.example";

fn said<'a>(answer: &'a Response, header: &str) -> &'a str {
    answer.headers().get(header).map_or("", |value| value.to_str().unwrap())
}

/// By the origin of the page that asks.
fn varies(answer: &Response) -> bool {
    let mut lines = answer.headers().get_all("vary").iter();
    lines.any(|line| line.to_str().unwrap().split(',').any(|name| name.trim().eq_ignore_ascii_case("origin")))
}

/// A path's parameters, each replaced by the id of nothing.
fn with_ids(path: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { Uuid::now_v7().to_string() } else { part.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// Operations for which one has to be logged in.
fn personal(api: &Value) -> Vec<(Method, String)> {
    let mut found = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let ways = operation["security"].as_array().map_or(&[][..], Vec::as_slice);
            if !ways.is_empty() && ways.iter().all(|way| way.as_object().is_some_and(|way| !way.is_empty())) {
                found.push((method.to_uppercase().parse().unwrap(), path.clone()));
            }
        }
    }
    assert!(found.len() >= 25, "{found:?}");
    found
}

#[tokio::test]
async fn nothing_that_is_somebodys_is_kept_by_caches() {
    let world = World::new().await;
    let admin = world.person(Role::Admin).await;
    let event = world.event(&admin).await;
    world.board_in(event, &["open"]).await;
    let api = expect(world.get("/openapi.json", None).await, StatusCode::OK).await;
    let (mut seen, mut good) = (0, 0);
    for (method, path) in personal(&api) {
        let path = path.replace("{event}", &event.to_string()).replace("{file}", &format!("{}.pdf", Uuid::now_v7()));
        let path = with_ids(&path);
        // Some end the sessions of who calls.
        let another = world.person(Role::Admin).await;
        for person in [Some(&another), None] {
            let mut request = world.request(method.clone(), &path, person);
            if [Method::POST, Method::PATCH, Method::PUT].contains(&method) {
                request = request.json(&json!({}));
            }
            let answer = request.send().await.unwrap();
            assert!(said(&answer, "cache-control").contains("no-store"), "{method} {path}: {:?}", answer.headers());
            seen += 1;
            good += usize::from(answer.status().is_success());
        }
    }
    assert!(seen >= 50 && good >= 8, "{good} good answers of {seen}");
    let account = json!({ "email": "a@example.com", "password": "correct horse", "name": "A" });
    let registered = world.post("/v1/auth/register", None, &account).await;
    let logged_in = world.post("/v1/auth/login", None, &json!({ "email": "a@example.com", "password": "correct horse" })).await;
    for answer in [registered, logged_in] {
        assert!(answer.status().is_success() && said(&answer, "cache-control").contains("no-store"), "{answer:?}");
    }
}

#[tokio::test]
async fn every_page_says_what_it_may_do_and_stands_in_no_frame() {
    let world = World::new().await;
    let pages = [world.get("/docs/", None).await, world.private("/docs/").await, world.get("/v1/auth/verify-email", None).await];
    for page in pages {
        assert_eq!(page.status(), StatusCode::OK);
        assert!(said(&page, "content-type").starts_with("text/html"), "{page:?}");
        let policy = said(&page, "content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{page:?}");
        assert_eq!((said(&page, "x-frame-options"), said(&page, "x-content-type-options")), ("DENY", "nosniff"));
    }
}

#[tokio::test]
async fn pages_of_listed_origins_may_call_and_no_others() {
    let world = World::with(&[("CORS_ORIGINS", &format!("{SHOP},http://localhost:3000"))]).await;
    let event = world.event(&world.person(Role::Organizer).await).await;
    world.board_in(event, &["open"]).await;
    let board = format!("/v1/events/{event}/queue/board");
    for (origin, may) in [(SHOP, true), ("http://localhost:3000", true), ("https://evil.example", false), ("null", false)] {
        for path in ["/v1/events", board.as_str()] {
            let answer = world.request(Method::GET, path, None).header("origin", origin).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK);
            assert_eq!(said(&answer, "access-control-allow-origin"), if may { origin } else { "" }, "{path}");
            assert!(varies(&answer), "{path}: {:?}", answer.headers());
            assert_eq!(said(&answer, "access-control-allow-credentials"), "");
        }
    }
    assert!(varies(&world.get(&board, None).await), "what a cache keeps is not for pages of any origin");
    let api = expect(world.get("/openapi.json", None).await, StatusCode::OK).await;
    let text = api.to_string();
    let asked = world.request(Method::OPTIONS, &format!("/v1/events/{event}/bookings"), None).header("origin", SHOP);
    let asked = asked.header("access-control-request-method", "POST").send().await.unwrap();
    let may_send = said(&asked, "access-control-allow-headers").to_lowercase();
    for name in ["Authorization", "Entry-Token", "Idempotency-Key", "Place-Ticket", "Prefer", "Join-Code", "If-Match"] {
        assert!(name == "Authorization" || text.contains(&format!("\"{name}\"")), "{name} is no header of the API");
        assert!(may_send.split(',').any(|header| header.trim() == name.to_lowercase()), "{name}: {may_send}");
    }
    let none = World::new().await;
    let answer = none.request(Method::GET, "/v1/events", None).header("origin", SHOP).send().await.unwrap();
    assert_eq!(said(&answer, "access-control-allow-origin"), "");
}

#[tokio::test]
async fn a_payment_leads_back_to_hosts_of_the_list_only() {
    let settings = [("::DEPLOYMENT__ENVIRONMENT", "production"), ("RETURN_HOSTS", "tickets.example")];
    let world = World::with(&settings).await;
    let fan = world.person(Role::User).await;
    let path = format!("/v1/bookings/{}/payment", Uuid::now_v7());
    for (address, may) in
        [("https://tickets.example/thanks", true), ("https://evil.example/", false), ("http://tickets.example/", false)]
    {
        let answer = world.post(&path, Some(&fan), &json!({ "return_url": address })).await;
        if may {
            problem(answer, 404, "booking_not_found").await;
        } else {
            problem(answer, 422, "invalid_field").await;
        }
    }
}

#[tokio::test]
async fn what_is_left_is_the_same_compressed() {
    let sale = Sale::new().await;
    let path = format!("/v1/events/{}/availability", sale.event);
    let plain = sale.world.get(&path, None).await;
    assert_eq!(said(&plain, "cache-control"), "public, max-age=1");
    let plain = plain.bytes().await.unwrap();
    let packed = sale.world.request(Method::GET, &path, None).header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!((said(&packed, "content-encoding"), said(&packed, "vary")), ("gzip", "accept-encoding"));
    let mut unpacked = Vec::new();
    GzDecoder::new(&packed.bytes().await.unwrap()[..]).read_to_end(&mut unpacked).unwrap();
    let as_json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
    assert_eq!(as_json(&plain)["sections"], as_json(&unpacked)["sections"]);
    assert!(as_json(&unpacked)["categories"].as_array().is_some_and(|categories| !categories.is_empty()));
}
