//! What passwords may be, and what is stored of them.

use goticket_domain::AccountId;
use goticket_domain::identity::{EmailAddress, Role};
use goticket_gateway::Gateway;
use goticket_platform::config::U32In;
use goticket_storage::accounts;
use reqwest::{Response, StatusCode};
use serde_json::json;

use crate::world::{World, expect, problem};

const EMAIL: &str = "ann@example.com";

async fn log_in(world: &World, password: &str) -> Response {
    world.post("/v1/auth/login", None, &json!({ "email": EMAIL, "password": password })).await
}

async fn stored(world: &World) -> String {
    let email = EmailAddress::parse(EMAIL).unwrap();
    accounts::credentials(&world.pool, &email).await.unwrap().unwrap().password_hash.unwrap()
}

#[tokio::test]
async fn a_password_of_64_characters_of_any_script_is_one_and_all_of_them_count() {
    let world = World::new().await;
    let password = "\u{1f39f}".repeat(64);
    let body = json!({ "email": EMAIL, "password": password, "name": "Ann Other" });
    expect(world.post("/v1/auth/register", None, &body).await, StatusCode::CREATED).await;
    expect(log_in(&world, &password).await, StatusCode::OK).await;
    for other in [format!("{}x", "\u{1f39f}".repeat(63)), "\u{1f39f}".repeat(63), "\u{1f39f}".repeat(65)] {
        problem(log_in(&world, &other).await, 401, "wrong_credentials").await;
    }
}

#[tokio::test]
async fn a_hash_of_before_opens_the_account_once_more_and_is_one_of_today_then() {
    let world = World::new().await;
    // The longest there was, hashed as it was.
    let password = "x".repeat(71);
    let hash = bcrypt::non_truncating_hash(&password, 12).unwrap();
    let email = EmailAddress::parse(EMAIL).unwrap();
    let account: AccountId = accounts::insert(&world.pool, &email, "Ann", Role::User, Some(&hash)).await.unwrap().unwrap().id;
    problem(log_in(&world, &"x".repeat(70)).await, 401, "wrong_credentials").await;
    assert_eq!(stored(&world).await, hash, "only the right one is hashed again");
    expect(log_in(&world, &password).await, StatusCode::OK).await;
    let today = stored(&world).await;
    assert!(today.starts_with("hmac-sha384:$2b$12$"), "{today}");
    expect(log_in(&world, &password).await, StatusCode::OK).await;
    assert_eq!(stored(&world).await, today, "and not once more");
    assert!(!accounts::store_rehashed(&world.pool, account, &hash, "late").await.unwrap(), "what was read before it changed");

    // The cost was raised.
    let mut config = world.config.clone();
    config.gateway.bcrypt_cost = U32In::new(13).unwrap();
    let dearer = Gateway::start(config, world.room.clone()).await.unwrap();
    let url = format!("http://{}/v1/auth/login", dearer.address());
    let body = json!({ "email": EMAIL, "password": password });
    expect(world.http.post(url).json(&body).send().await.unwrap(), StatusCode::OK).await;
    let dear = stored(&world).await;
    assert!(dear.starts_with("hmac-sha384:$2b$13$"), "{dear}");
    expect(log_in(&world, &password).await, StatusCode::OK).await;
    assert_eq!(stored(&world).await, dear, "a gateway of the lower cost leaves it");
    dearer.stop().await.unwrap();
}
