//! The API's description.

use std::collections::BTreeSet;
use std::path::Path;

use goticket_gateway::openapi_document;
use serde_json::Value;

use crate::world::World;

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

#[tokio::test]
async fn the_description_is_served_with_pages_to_read_it() {
    let world = World::new().await;
    let served: Value = world.get("/openapi.json", None).await.json().await.unwrap();
    assert_eq!(served, serde_json::from_str::<Value>(&openapi_document()).unwrap());
    let page = world.get("/docs/", None).await;
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("swagger-ui"));
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
