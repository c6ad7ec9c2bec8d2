//! Registering, logging in, refreshing, logging out.

use futures::future::join_all;
use goticket_testkit::eventually;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::world::{Person, SOON, World, expect, problem};

const PASSWORD: &str = "correct horse battery";

async fn register(world: &World, email: &str) -> Value {
    let body = json!({ "email": email, "password": PASSWORD, "name": "Ann Other" });
    expect(world.post("/v1/auth/register", None, &body).await, StatusCode::CREATED).await
}

async fn refresh(world: &World, token: &Value) -> reqwest::Response {
    world.post("/v1/auth/refresh", None, &json!({ "refresh_token": token })).await
}

#[tokio::test]
async fn an_account_is_made_once_and_its_password_opens_it() {
    let world = World::new().await;
    let session = register(&world, "Ann@Example.com").await;
    assert_eq!(session["account"]["email"], "ann@example.com");
    assert_eq!(session["account"]["role"], "user");
    let taken = json!({ "email": "ann@example.COM", "password": PASSWORD, "name": "Another" });
    problem(world.post("/v1/auth/register", None, &taken).await, 409, "email_taken").await;

    let log_in = |email: &str, password: &str| json!({ "email": email, "password": password });
    let session = expect(world.post("/v1/auth/login", None, &log_in("ANN@example.com", PASSWORD)).await, StatusCode::OK).await;
    let token = session["access_token"].as_str().unwrap().to_owned();
    let person = Person { id: session["account"]["id"].as_str().unwrap().parse().unwrap(), token };
    let me = expect(world.get("/v1/me", Some(&person)).await, StatusCode::OK).await;
    assert_eq!(me, session["account"]);

    // Also a longer password with the same beginning, which bcrypt alone would let in.
    let long = format!("{PASSWORD}{}", "x".repeat(72));
    for (email, password) in
        [("ann@example.com", "wrong horse battery"), ("nobody@example.com", PASSWORD), ("ann@example.com", &long)]
    {
        problem(world.post("/v1/auth/login", None, &log_in(email, password)).await, 401, "wrong_credentials").await;
    }
}

#[tokio::test]
async fn a_refresh_token_is_used_once_and_using_it_again_ends_the_session() {
    let world = World::new().await;
    let first = register(&world, "a@example.com").await["refresh_token"].clone();
    let second = expect(refresh(&world, &first).await, StatusCode::OK).await["refresh_token"].clone();
    let third = expect(refresh(&world, &second).await, StatusCode::OK).await["refresh_token"].clone();
    problem(refresh(&world, &first).await, 401, "refresh_token_invalid").await;
    // The thief's or the owner's: nobody can tell, so neither goes on.
    problem(refresh(&world, &third).await, 401, "refresh_token_invalid").await;
}

#[tokio::test]
async fn of_twenty_who_refresh_at_once_at_most_one_gets_a_child() {
    let world = World::new().await;
    let token = register(&world, "a@example.com").await["refresh_token"].clone();
    let answers = join_all((0..20).map(|_| refresh(&world, &token))).await;
    let mut children = Vec::new();
    for answer in answers {
        match answer.status() {
            StatusCode::OK => children.push(answer.json::<Value>().await.unwrap()["refresh_token"].clone()),
            other => assert_eq!(other, StatusCode::UNAUTHORIZED),
        }
    }
    assert!(children.len() <= 1, "{} children", children.len());
    for child in children {
        problem(refresh(&world, &child).await, 401, "refresh_token_invalid").await;
    }
}

#[tokio::test]
async fn logging_out_ends_the_session_and_only_hashes_are_stored() {
    let world = World::new().await;
    let token = register(&world, "a@example.com").await["refresh_token"].clone();
    let keys: Vec<String> =
        world.redis.query(redis::cmd("KEYS").arg(format!("{}refresh:*", world.bed.redis_prefix))).await.unwrap();
    assert_eq!(keys.len(), 1);
    let stored: Vec<String> = world.redis.query(redis::cmd("HVALS").arg(&keys[0])).await.unwrap();
    for secret in token.as_str().unwrap().split('.').skip(1) {
        assert!(!stored.iter().any(|value| value.contains(secret)));
    }

    for body in [&token, &json!("nonsense")] {
        let answer = world.post("/v1/auth/logout", None, &json!({ "refresh_token": body })).await;
        expect(answer, StatusCode::NO_CONTENT).await;
    }
    problem(refresh(&world, &token).await, 401, "refresh_token_invalid").await;
}

#[tokio::test]
async fn a_storm_of_log_ins_is_turned_away_and_polls_are_answered() {
    let world = World::with(&[("PASSWORD_WORKERS", "1"), ("PASSWORD_QUEUE_MAX", "2")]).await;
    register(&world, "a@example.com").await;
    let body = json!({ "email": "a@example.com", "password": PASSWORD });
    let storm = join_all((0..30).map(|_| world.post("/v1/auth/login", None, &body)));
    let polls = async {
        for _ in 0..20 {
            expect(world.get("/v1/events", None).await, StatusCode::OK).await;
        }
    };
    let (answers, ()) = tokio::join!(storm, polls);
    let (mut right, mut refused) = (0, 0);
    for answer in answers {
        if answer.status() == StatusCode::OK {
            right += 1;
        } else {
            problem(answer, 503, "busy").await;
            refused += 1;
        }
    }
    assert!(right >= 1 && refused >= 1, "{right} logged in, {refused} refused");
    // And afterwards everything is as before.
    eventually("a log-in after the storm", SOON, async || {
        (world.post("/v1/auth/login", None, &body).await.status() == StatusCode::OK).then_some(())
    })
    .await;
}

#[tokio::test]
async fn one_address_may_try_only_so_often() {
    let world = World::with(&[("AUTH_PER_MIN", "1"), ("AUTH_BURST", "3")]).await;
    for _ in 0..3 {
        problem(refresh(&world, &json!("nonsense")).await, 401, "refresh_token_invalid").await;
    }
    problem(refresh(&world, &json!("nonsense")).await, 429, "rate_limited").await;
    expect(world.get("/v1/events", None).await, StatusCode::OK).await;
}
