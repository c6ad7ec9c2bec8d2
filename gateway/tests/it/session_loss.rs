//! Sessions when Redis forgets, or remembers what is over.

use std::collections::BTreeMap;

use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::Value;

use crate::own_sessions::{log_out, refresh, register};
use crate::world::{World, expect, problem};

async fn keys(world: &World) -> Vec<String> {
    let keys: Vec<String> =
        world.redis.query(redis::cmd("KEYS").arg(format!("{}refresh:*", world.bed.redis_prefix))).await.unwrap();
    keys
}

/// FLUSHALL, as far as sessions and this test go. There is something to forget.
pub(crate) async fn forget(world: &World) {
    let keys = keys(world).await;
    let _: u64 = world.redis.query(redis::cmd("DEL").arg(&keys).arg("none")).await.unwrap();
}

/// What Redis has of every session.
async fn memory(world: &World) -> Vec<(String, BTreeMap<String, String>)> {
    let mut memory = Vec::new();
    for key in keys(world).await {
        let of: BTreeMap<String, String> = world.redis.query(redis::cmd("HGETALL").arg(&key)).await.unwrap();
        memory.push((key, of));
    }
    memory
}

/// A replica that was behind: Redis has again what it had then.
async fn go_back_to(world: &World, memory: &[(String, BTreeMap<String, String>)]) {
    forget(world).await;
    for (key, of) in memory {
        let mut set = redis::cmd("HSET");
        set.arg(key);
        for (field, value) in of {
            set.arg(field).arg(value);
        }
        let _: u64 = world.redis.query(&set).await.unwrap();
    }
}

async fn next(world: &World, token: &str) -> String {
    let session: Value = expect(refresh(world, token).await, StatusCode::OK).await;
    session["refresh_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn losing_redis_logs_no_one_out_and_revives_nothing() {
    let world = World::new().await;
    let first = register(&world).await.refresh_token;
    let second = next(&world, &first).await;
    assert_eq!(keys(&world).await.len(), 1, "there is something to lose");
    forget(&world).await;
    let third = next(&world, &second).await;
    assert_eq!(keys(&world).await.len(), 1, "Redis knows it again");

    // An earlier one is still a used one.
    forget(&world).await;
    problem(refresh(&world, &second).await, 401, "refresh_token_invalid").await;
    problem(refresh(&world, &third).await, 401, "refresh_token_invalid").await;
    let ended: (String,) = sqlx::query_as("SELECT end_reason FROM sessions").fetch_one(&world.pool).await.unwrap();
    assert_eq!(ended.0, "reused");
}

#[tokio::test]
async fn redis_that_goes_back_revives_nothing_and_logs_no_one_out() {
    let world = World::new().await;
    let first = register(&world).await.refresh_token;
    let before = memory(&world).await;
    assert_eq!(before.len(), 1);
    let second = next(&world, &first).await;
    go_back_to(&world, &before).await;
    let third = next(&world, &second).await;

    let before = memory(&world).await;
    log_out(&world, &third).await;
    assert_eq!(keys(&world).await.len(), 0);
    for redis in [&before[..], &[]] {
        go_back_to(&world, redis).await;
        problem(refresh(&world, &third).await, 401, "refresh_token_invalid").await;
    }
}

#[tokio::test]
async fn of_twenty_who_refresh_at_once_without_redis_at_most_one_gets_a_child() {
    let world = World::new().await;
    let token = register(&world).await.refresh_token;
    forget(&world).await;
    let answers = join_all((0..20).map(|_| refresh(&world, &token))).await;
    let mut children = Vec::new();
    for answer in answers {
        match answer.status() {
            StatusCode::OK => {
                children.push(answer.json::<Value>().await.unwrap()["refresh_token"].as_str().unwrap().to_owned());
            }
            other => assert_eq!(other, StatusCode::UNAUTHORIZED),
        }
    }
    assert_eq!(children.len(), 1, "the row's current token works");
    // The others showed a used token: no one can tell who is the thief.
    problem(refresh(&world, &children[0]).await, 401, "refresh_token_invalid").await;
}
