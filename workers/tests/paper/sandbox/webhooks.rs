//! A webhook arrives, whatever happens to the receiver.

use std::collections::HashSet;
use std::time::Duration;

use goticket_platform::config::{U32In, U64In};
use goticket_testkit::eventually;
use reqwest::StatusCode;
use serde_json::json;

use super::shop::{Answer, SOON, Shop};
use super::till::{Till, config};

const PAYS: &str = "4242424242424242";

#[tokio::test]
async fn a_receiver_that_fails_gets_it_again_until_it_succeeds() {
    let failures = [500, 302, 404, 503, 429].map(Answer::Status);
    let (till, shop) = (Till::open().await, Shop::answering(failures).await);
    let payment = till.payment(&shop).await;
    till.pay(&payment, PAYS).await;
    let deliveries = shop.received(6).await;
    let bodies: HashSet<_> = deliveries.iter().map(|delivery| &delivery.body).collect();
    assert_eq!((deliveries.len(), bodies.len()), (6, 1));

    // And then no more: the next event is the next delivery.
    let next = till.payment(&shop).await;
    till.pay(&next, PAYS).await;
    let deliveries = shop.received(7).await;
    assert_eq!(deliveries.len(), 7);
    assert_eq!(deliveries[6].json()["data"]["payment"], json!(next));
}

#[tokio::test]
async fn a_receiver_that_was_away_gets_it_when_it_is_back() {
    let (till, away) = (Till::open().await, Shop::closed().await);
    let payment = till.payment(&away).await;
    assert_eq!(till.pay(&payment, PAYS).await.0, StatusCode::OK);
    let back = away.reopen().await;
    assert_eq!(back.received(1).await[0].json()["data"]["payment"], json!(payment));
}

#[tokio::test]
async fn a_receiver_that_never_answers_is_left_and_tried_again() {
    let config = goticket_workers::sandbox::SandboxConfig { webhook_timeout_ms: U64In::new(50).unwrap(), ..config() };
    let (till, shop) = (Till::with(config).await, Shop::answering([Answer::Silence]).await);
    let payment = till.payment(&shop).await;
    till.pay(&payment, PAYS).await;
    assert_eq!(shop.received(2).await.len(), 2);
}

#[tokio::test]
async fn the_queue_is_bounded_and_a_webhook_is_given_up_in_the_end() {
    let config = goticket_workers::sandbox::SandboxConfig {
        webhook_queue: U32In::new(1).unwrap(),
        webhook_give_up_s: U64In::new(1).unwrap(),
        ..config()
    };
    let (till, away, shop) = (Till::with(config).await, Shop::closed().await, Shop::open().await);
    let (first, second) = (till.payment(&away).await, till.payment(&shop).await);
    assert_eq!(till.pay(&first, PAYS).await.0, StatusCode::OK);

    // No room for its webhook: not charged.
    let (status, problem) = till.pay(&second, PAYS).await;
    assert_eq!((status, &problem["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("busy")));
    assert_eq!(till.look(&second).await["status"], "open");

    // Given up, the first one makes room.
    let paid = eventually("room in the queue", SOON, async || {
        Some(till.pay(&second, PAYS).await.0).filter(|status| *status == StatusCode::OK)
    });
    paid.await;
    shop.received(1).await;
    assert_eq!(till.look(&first).await["status"], "paid");
}

#[tokio::test]
async fn shutdown_answers_and_ends_though_webhooks_wait() {
    let (till, away) = (Till::open().await, Shop::closed().await);
    let payment = till.payment(&away).await;
    till.pay(&payment, PAYS).await;
    till.shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(5), till.served).await.unwrap().unwrap().unwrap();
}
