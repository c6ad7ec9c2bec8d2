//! The API's description.

use std::collections::BTreeSet;
use std::path::Path;

use goticket_gateway::openapi_document;
use reqwest::{Response, StatusCode};
use serde_json::Value;

use crate::world::{World, expect, problem};

/// Set it, and the test writes the file instead of comparing it.
const UPDATE: &str = "GOTICKET_UPDATE_GENERATED";

#[test]
fn the_checked_in_description_is_the_one_the_code_makes() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let made = openapi_document();
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let stored = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(stored == made, "gateway/openapi.json is stale: run the tests with {UPDATE}=1 and check it in");
}

/// Whether the description and pages to read it are there.
async fn described(description: Response, page: Response) -> bool {
    let statuses = (description.status().as_u16(), page.status().as_u16());
    if statuses == (404, 404) {
        return false;
    }
    assert_eq!(statuses, (200, 200));
    assert_eq!(description.json::<Value>().await.unwrap(), serde_json::from_str::<Value>(&openapi_document()).unwrap());
    assert!(page.text().await.unwrap().contains("swagger-ui"));
    true
}

#[tokio::test]
async fn only_in_development_the_public_reads_what_operators_read() {
    for (environment, is_public) in [("development", true), ("production", false)] {
        let world = World::with(&[("::DEPLOYMENT__ENVIRONMENT", environment)]).await;
        let public = described(world.get("/openapi.json", None).await, world.get("/docs/", None).await).await;
        assert_eq!(public, is_public, "{environment}");
        assert!(described(world.private("/openapi.json").await, world.private("/docs/").await).await);
        for path in ["/readyz", "/metrics"] {
            problem(world.get(path, None).await, 404, "route_not_found").await;
            expect(world.private(path).await, StatusCode::OK).await;
        }
        for answer in [world.get("/healthz", None).await, world.private("/healthz").await] {
            assert_eq!(expect(answer, StatusCode::OK).await, "ok");
        }
        problem(world.private("/v1/events").await, 404, "route_not_found").await;
    }
}

#[test]
fn every_operation_has_an_id_of_its_own_and_says_what_each_answer_is() {
    let document: Value = serde_json::from_str(&openapi_document()).unwrap();
    let mut ids = BTreeSet::new();
    let items = document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap());
    for (_, operation) in items.filter(|(_, operation)| operation["responses"].is_object()) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id.to_owned()), "{id} twice");
        for (status, answer) in operation["responses"].as_object().unwrap() {
            assert!(answer["description"].as_str().is_some_and(|text| !text.is_empty()), "{id} {status}");
            let problem = status.starts_with(['4', '5']);
            let kinds = answer["content"].as_object().into_iter().flat_map(|content| content.keys());
            for kind in kinds {
                assert_eq!(kind == "application/problem+json", problem, "{id} {status} {kind}");
            }
        }
    }
    assert!(ids.len() > 50, "{}", ids.len());
}
