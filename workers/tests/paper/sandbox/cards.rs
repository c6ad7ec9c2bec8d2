//! Each test card does what it says.

use std::collections::HashSet;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;
use tokio::time::Instant;

use super::shop::Shop;
use super::till::Till;

const PAYS: &str = "4242424242424242";
const DECLINES: &str = "4000000000000002";
const LATE: &str = "4000000000000341";
const DOUBLED: &str = "4000000000000259";
const LOST: &str = "4000000000000127";

#[tokio::test]
async fn a_good_card_pays_and_the_shop_is_told_once() {
    let (till, shop) = (Till::open().await, Shop::open().await);
    let payment = till.payment(&shop).await;
    let (status, answer) = till.pay(&payment, PAYS).await;
    assert_eq!((status, &answer["status"]), (StatusCode::OK, &json!("paid")));

    let event = shop.received(1).await[0].json();
    assert_eq!(event["type"], "payment.paid");
    assert!(event["id"].as_str().unwrap().starts_with("evt_"));
    let data = json!({
        "payment": payment, "reference": "booking-1", "amount_minor": 4_900, "currency": "EUR",
        "status": "paid", "refunded_minor": 0,
    });
    assert_eq!(event["data"], data);
}

#[tokio::test]
async fn a_declined_payment_stays_open_for_another_card() {
    let (till, shop) = (Till::open().await, Shop::open().await);
    let payment = till.payment(&shop).await;
    let (status, problem) = till.pay(&payment, DECLINES).await;
    assert_eq!((status, &problem["code"]), (StatusCode::PAYMENT_REQUIRED, &json!("card_declined")));
    let declined = shop.received(1).await[0].json();
    assert_eq!((&declined["type"], &declined["data"]["status"]), (&json!("payment.declined"), &json!("open")));

    assert_eq!(till.look(&payment).await["status"], "open");
    assert_eq!(till.pay(&payment, PAYS).await.0, StatusCode::OK);
    let paid = shop.received(2).await[1].json();
    assert_eq!(paid["type"], "payment.paid");
    assert_ne!(paid["id"], declined["id"]);
}

#[tokio::test]
async fn a_late_webhook_comes_late() {
    let (till, shop) = (Till::open().await, Shop::open().await);
    let payment = till.payment(&shop).await;
    let begun = Instant::now();
    assert_eq!(till.pay(&payment, LATE).await.0, StatusCode::OK);
    assert_eq!(till.look(&payment).await["status"], "paid");
    let delivery = &shop.received(1).await[0];
    assert!(delivery.at - begun >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_doubled_webhook_comes_three_times_at_once_and_is_the_same() {
    // Answers none before all three are there: delivered one after the other, they would never come.
    let (till, shop) = (Till::open().await, Shop::answering_together(3).await);
    let payment = till.payment(&shop).await;
    assert_eq!(till.pay(&payment, DOUBLED).await.0, StatusCode::OK);
    let bodies: HashSet<_> = shop.received(3).await.into_iter().map(|delivery| delivery.body).collect();
    assert_eq!(bodies.len(), 1);
}

#[tokio::test]
async fn a_lost_webhook_never_comes_and_the_provider_knows_when_asked() {
    let (till, shop) = (Till::open().await, Shop::open().await);
    let (lost, told) = (till.payment(&shop).await, till.payment(&shop).await);
    assert_eq!(till.pay(&lost, LOST).await.0, StatusCode::OK);
    assert_eq!(till.pay(&lost, LOST).await.0, StatusCode::CONFLICT);
    assert_eq!(till.pay(&told, PAYS).await.0, StatusCode::OK);
    let deliveries = shop.received(1).await;
    assert!(deliveries.iter().all(|delivery| delivery.json()["data"]["payment"] == json!(told)));
    assert_eq!(till.look(&lost).await["status"], "paid");
}

#[tokio::test]
async fn paying_twice_charges_once_and_tells_the_shop_the_same_again() {
    let (till, shop) = (Till::open().await, Shop::open().await);
    let payment = till.payment(&shop).await;
    let answers = futures::future::join_all((0..12).map(|_| till.pay(&payment, PAYS))).await;
    let (paid, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(status, _)| *status == StatusCode::OK);
    assert_eq!((paid.len(), refused.len()), (1, 11));
    for (status, problem) in refused {
        assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("already_paid")));
        assert_eq!(problem["payment"]["status"], "paid");
    }
    let bodies: HashSet<_> = shop.received(12).await.into_iter().map(|delivery| delivery.body).collect();
    assert_eq!(bodies.len(), 1);
}
