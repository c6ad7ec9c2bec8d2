//! The API's description.

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
