//! What the `type` of a problem leads to.

use reqwest::StatusCode;
use serde_json::Value;

use crate::world::{World, expect, problem};

#[tokio::test]
async fn the_type_of_every_problem_answers() {
    let world = World::new().await;
    let document: Value = serde_json::from_str(&goticket_gateway::openapi_document()).unwrap();
    let codes = document["components"]["schemas"]["ProblemCode"]["enum"].as_array().unwrap();
    assert!(codes.len() > 100, "{}", codes.len());
    for code in codes {
        let path = format!("/problems/{}", code.as_str().unwrap());
        let meaning = expect(world.get(&path, None).await, StatusCode::OK).await;
        assert_eq!((&meaning["code"], &meaning["example"]["code"]), (code, code), "{meaning}");
        assert_eq!(
            (&meaning["example"]["type"], &meaning["example"]["status"]),
            (&Value::from(path.as_str()), &meaning["status"])
        );
        let page = world.http.get(world.url(&path)).header("Accept", "text/html,*/*;q=0.8").send().await.unwrap();
        assert!(page.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
        let page = page.text().await.unwrap();
        for text in [&meaning["means"], &meaning["fix"], &meaning["title"]] {
            assert!(page.contains(text.as_str().unwrap()), "{text} in {page}");
        }
    }
    let all = expect(world.get("/problems", None).await, StatusCode::OK).await;
    assert_eq!(all.as_array().map(Vec::len), Some(codes.len()));
    problem(world.get("/problems/none", None).await, 404, "route_not_found").await;
}

#[tokio::test]
async fn only_an_access_token_is_asked_for_by_a_challenge() {
    let world = World::new().await;
    let refused = world.get("/v1/me", None).await;
    assert_eq!(refused.headers()["www-authenticate"], "Bearer");
    problem(refused, 401, "access_token_missing").await;
    let wrong = serde_json::json!({ "email": "none@example.org", "password": "not the password" });
    let refused = world.post("/v1/auth/login", None, &wrong).await;
    assert!(!refused.headers().contains_key("www-authenticate"));
    problem(refused, 401, "wrong_credentials").await;
    let event = goticket_domain::EventId::generate();
    let refused = world.get(&format!("/v1/events/{event}/queue/place"), None).await;
    assert!(!refused.headers().contains_key("www-authenticate"));
}
