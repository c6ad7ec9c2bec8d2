//! Many who try passwords at once, and one who knows theirs.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use goticket_testkit::eventually;
use reqwest::{Method, Response, StatusCode};
use serde_json::json;
use tokio::sync::Notify;

use crate::world::{SOON, World, expect, problem};

const PASSWORD: &str = "correct horse battery";

/// One who comes from this address, as our proxy says.
async fn log_in(world: &World, from: &str, email: &str, password: &str) -> Response {
    let request = world.request(Method::POST, "/v1/auth/login", None).header("X-Forwarded-For", from);
    request.json(&json!({ "email": email, "password": password })).send().await.unwrap()
}

#[tokio::test]
async fn a_storm_from_three_networks_locks_out_neither_the_owner_nor_anyone_else() {
    // As many wait as fit: the storm alone would fill the queue for ever.
    // However slow the machine is: how many were served before them is counted, not how long that took.
    let world = World::with(&[
        ("PASSWORD_WORKERS", "1"),
        ("PASSWORD_QUEUE_MAX", "8"),
        ("TRUSTED_PROXIES", "1"),
        ("REQUEST_TIMEOUT_MS", "120000"),
    ])
    .await;
    for (email, from) in [("ann@example.com", "198.51.100.1"), ("bob@example.com", "198.51.100.2")] {
        let body = json!({ "email": email, "password": PASSWORD, "name": "Ann Other" });
        let request = world.request(Method::POST, "/v1/auth/register", None).header("X-Forwarded-For", from);
        expect(request.json(&body).send().await.unwrap(), StatusCode::CREATED).await;
    }
    let (refused, hashed, room) = (AtomicUsize::new(0), AtomicUsize::new(0), Notify::new());
    let attacker = async |from: String| {
        loop {
            let answer = log_in(&world, &from, "ann@example.com", "wrong horse battery").await;
            if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
                problem(answer, 503, "busy").await;
                refused.fetch_add(1, Ordering::Relaxed);
                // Again as soon as there may be room, together with whoever made it.
                room.notified().await;
            } else {
                problem(answer, 401, "wrong_credentials").await;
                hashed.fetch_add(1, Ordering::Relaxed);
                room.notify_waiters();
            }
        }
    };
    let storm = join_all((0..12).map(|n| attacker(format!("203.0.113.{}", n % 3))));
    let others = async {
        eventually("a storm that is turned away", SOON * 3, async || (refused.load(Ordering::Relaxed) > 0).then_some(())).await;
        for (email, from) in [("ann@example.com", "198.51.100.1"), ("bob@example.com", "198.51.100.2")] {
            let before = hashed.load(Ordering::Relaxed);
            expect(log_in(&world, from, email, PASSWORD).await, StatusCode::OK).await;
            let meanwhile = hashed.load(Ordering::Relaxed) - before;
            // One that was at work, one for each of three networks, and a few whose answers this test hears of late.
            assert!(meanwhile <= 8, "{meanwhile} of the storm came before {email}");
        }
    };
    tokio::select! {
        _ = storm => unreachable!("it does not end"),
        () = others => {}
    }
}
