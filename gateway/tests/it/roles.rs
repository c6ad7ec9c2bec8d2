//! Who may do what, as one table.

use goticket_domain::identity::Role;
use reqwest::Method;
use serde_json::json;

use crate::world::{World, event_body, problem};

#[tokio::test]
async fn every_role_can_do_its_own_and_nothing_else() {
    let world = World::new().await;
    let people = [
        None,
        Some(world.person(Role::User).await),
        Some(world.person(Role::Organizer).await),
        Some(world.person(Role::Organizer).await),
        Some(world.person(Role::Admin).await),
    ];
    let owner = people[2].as_ref().unwrap();
    let venue = world.venue(owner).await;
    let (draft, event) = (world.draft(owner, -60, -30).await, world.event(owner).await);
    world.board_in(event, &["open"]).await;
    let body = event_body(venue, -60, -30);
    let (get, post, patch) = (Method::GET, Method::POST, Method::PATCH);
    let at = |event, rest: &str| format!("/v1/events/{event}{rest}");
    let note = json!({ "message": "hello", "reason": "a test" });
    let title = json!({ "title": "Another" });
    // Status for: nobody, fan, owner, another organizer, admin. 200 stands for any success.
    let rows = [
        (&get, "/v1/me".to_owned(), None, [401, 200, 200, 200, 200]),
        (&get, "/v1/venues".to_owned(), None, [401, 403, 200, 200, 200]),
        (&get, format!("/v1/venues/{venue}"), None, [401, 404, 200, 404, 200]),
        (&post, "/v1/events".to_owned(), Some(&body), [401, 403, 200, 422, 200]),
        (&get, "/v1/events".to_owned(), None, [200, 200, 200, 200, 200]),
        (&get, at(event, ""), None, [200, 200, 200, 200, 200]),
        (&get, at(draft, ""), None, [404, 404, 200, 404, 200]),
        (&get, at(draft, "/seats"), None, [404, 404, 200, 404, 200]),
        (&get, at(draft, "/availability"), None, [404, 404, 200, 404, 200]),
        (&patch, at(draft, ""), Some(&title), [401, 404, 200, 404, 200]),
        (&patch, at(event, ""), Some(&title), [401, 403, 200, 403, 200]),
        (&post, at(event, "/publish"), None, [401, 403, 200, 403, 200]),
        (&get, at(event, "/queue/board"), None, [200, 200, 200, 200, 200]),
        (&get, at(event, "/queue/draw"), None, [200, 200, 200, 200, 200]),
        (&get, at(event, "/queue/control"), None, [401, 403, 200, 403, 200]),
        (&patch, at(event, "/queue/control"), Some(&note), [401, 403, 200, 403, 200]),
        (&get, at(event, "/queue/log"), None, [401, 403, 200, 403, 200]),
        (&get, at(event, "/queue/statistics"), None, [401, 403, 200, 403, 200]),
        (&post, at(event, "/queue"), None, [401, 200, 200, 200, 200]),
    ];
    for (method, path, body, expected) in rows {
        for (person, expected) in people.iter().zip(expected) {
            let mut request = world.request(method.clone(), &path, person.as_ref());
            if let Some(body) = body {
                request = request.json(body);
            }
            let answer = request.send().await.unwrap();
            let status = answer.status();
            let role = person.as_ref().map(|person| person.id);
            let got = if status.is_success() { 200 } else { status.as_u16() };
            assert_eq!(got, expected, "{method} {path} by {role:?}: {}", answer.text().await.unwrap());
        }
    }
}

#[tokio::test]
async fn lists_show_ones_own_page_by_page() {
    let world = World::new().await;
    let (one, other, admin) =
        (world.person(Role::Organizer).await, world.person(Role::Organizer).await, world.person(Role::Admin).await);
    for _ in 0..3 {
        world.venue(&one).await;
    }
    world.venue(&other).await;
    let count = async |person, path: &str| {
        let page: serde_json::Value = world.get(path, Some(person)).await.json().await.unwrap();
        page["items"].as_array().unwrap().len()
    };
    assert_eq!(count(&one, "/v1/venues").await, 3);
    assert_eq!(count(&other, "/v1/venues").await, 1);
    assert_eq!(count(&admin, "/v1/venues").await, 4);
    let first: serde_json::Value = world.get("/v1/venues?limit=2", Some(&one)).await.json().await.unwrap();
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(count(&one, &format!("/v1/venues?limit=2&cursor={cursor}")).await, 1);
    problem(world.get("/v1/venues?limit=0", Some(&one)).await, 400, "invalid_query").await;
}
