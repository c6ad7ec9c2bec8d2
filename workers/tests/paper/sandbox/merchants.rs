//! What merchants do: ask for payments, look at them, send money back.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::shop::Shop;
use super::till::{Till, json, request};

const PAYS: &str = "4242424242424242";

#[tokio::test]
async fn a_payment_is_what_was_asked_for() {
    let (till, shop) = (Till::open().await, Shop::open().await);
    let created = till.ask("key-1", &request(&shop)).await;
    assert_eq!(created.status(), StatusCode::CREATED);
    let payment = json(created).await;
    let id = payment["id"].as_str().unwrap();
    assert!(id.starts_with("pay_"));
    for (field, value) in request(&shop).as_object().unwrap() {
        assert_eq!(&payment[field], value, "{field}");
    }
    assert_eq!(payment["status"], "open");
    assert_eq!(payment["pay_url"], format!("{}/pay/{id}", till.url));
    assert_eq!(till.look(id).await, payment);
}

#[tokio::test]
async fn a_key_stands_for_one_payment_and_one_body() {
    let (till, shop) = (Till::open().await, Shop::open().await);
    let mut copies = Vec::new();
    let body = request(&shop);
    for answer in futures::future::join_all((0..20).map(|_| till.ask("key-1", &body))).await {
        assert_eq!(answer.status(), StatusCode::CREATED);
        copies.push(json(answer).await["id"].clone());
    }
    assert!(copies.iter().all(|id| *id == copies[0]));

    for (field, other) in [("amount_minor", json!(5_000)), ("currency", json!("CHF")), ("description", json!(""))] {
        let mut changed = request(&shop);
        changed[field] = other;
        let answer = till.ask("key-1", &changed).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(json(answer).await["code"], "idempotency_key_reused");
    }

    till.pay(copies[0].as_str().unwrap(), PAYS).await;
    let replayed = json(till.ask("key-1", &request(&shop)).await).await;
    assert_eq!((&replayed["id"], &replayed["status"]), (&copies[0], &json!("paid")));
}

#[tokio::test]
async fn refunds_never_send_back_more_than_was_paid() {
    let (till, shop) = (Till::open().await, Shop::open().await);
    let payment = till.payment(&shop).await;
    let refund = async |key: &'static str, amount: Value| {
        let body = if amount.is_null() { json!({}) } else { json!({ "amount_minor": amount }) };
        let (status, answer) = till.refund(&payment, key, &body).await;
        (status.as_u16(), answer)
    };

    let (status, problem) = refund("r0", Value::Null).await;
    assert_eq!((status, problem["code"].as_str().unwrap()), (409, "not_paid"));
    till.pay(&payment, PAYS).await;

    let (status, first) = refund("r1", json!(1_000)).await;
    assert_eq!((status, &first["amount_minor"]), (201, &json!(1_000)));
    assert_eq!(till.look(&payment).await["status"], "paid");
    let rows = [
        ("r1", json!(1_000), 201, json!(1_000)),
        ("r1", json!(1_001), 422, Value::Null),
        ("r1", Value::Null, 422, Value::Null),
        ("r2", json!(3_901), 409, Value::Null),
        ("r2", json!(0), 409, Value::Null),
        ("r2", json!(-5), 409, Value::Null),
        ("r3", Value::Null, 201, json!(3_900)),
        ("r3", Value::Null, 201, json!(3_900)),
        ("r4", Value::Null, 409, Value::Null),
    ];
    for (key, amount, status, expected) in rows {
        let answer = refund(key, amount.clone()).await;
        assert_eq!((answer.0, &answer.1["amount_minor"]), (status, &expected), "{key} {amount}");
    }
    let end = till.look(&payment).await;
    assert_eq!((&end["status"], &end["refunded_minor"]), (&json!("refunded"), &json!(4_900)));

    let told: Vec<Value> = shop.received(3).await.iter().map(super::shop::Delivery::json).collect();
    let mut refunded: Vec<i64> = told
        .iter()
        .filter(|event| event["type"] == "payment.refunded")
        .map(|event| event["data"]["refunded_minor"].as_i64().unwrap())
        .collect();
    refunded.sort_unstable();
    assert_eq!((told.len(), refunded), (3, vec![1_000, 4_900]));
}
