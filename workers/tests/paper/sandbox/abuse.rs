//! Bad input and too much of it: each is refused with a problem that names the fix.

use goticket_platform::config::U32In;
use goticket_workers::sandbox::SandboxConfig;
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, RETRY_AFTER};
use serde_json::{Value, json};

use super::shop::Shop;
use super::till::{Till, config, json, request};

#[tokio::test]
async fn a_payment_nobody_could_pay_is_refused_by_field() {
    let (till, shop) = (Till::open().await, Shop::open().await);
    let rows = [
        ("amount_minor", json!(0)),
        ("amount_minor", json!(-1)),
        ("amount_minor", json!(1_000_000_000_001_i64)),
        ("amount_minor", json!("4900")),
        ("amount_minor", json!(1.5)),
        ("currency", json!("XXX1")),
        ("currency", json!("eur")),
        ("reference", json!("")),
        ("reference", json!("x".repeat(201))),
        ("description", json!("x".repeat(501))),
        ("webhook_url", json!("ftp://shop.example/")),
        ("webhook_url", json!("shop.example")),
        ("return_url", json!("javascript:alert(1)")),
        ("tip_minor", json!(1)),
    ];
    for (field, value) in rows {
        let mut body = request(&shop);
        body[field] = value.clone();
        let answer = till.ask("key", &body).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{field} = {value}");
        let problem = json(answer).await;
        assert!(problem["detail"].as_str().unwrap().contains(field), "{problem}");
    }
    for field in ["amount_minor", "currency", "reference", "webhook_url"] {
        let mut body = request(&shop);
        body.as_object_mut().unwrap().remove(field);
        assert_eq!(till.ask("key", &body).await.status(), StatusCode::UNPROCESSABLE_ENTITY, "{field}");
    }
}

#[tokio::test]
async fn only_the_merchants_key_opens_the_merchants_door() {
    let (till, shop) = (Till::open().await, Shop::open().await);
    for (method, path) in [("POST", "/v1/payments"), ("GET", "/v1/payments/x"), ("POST", "/v1/payments/x/refunds")] {
        for presented in [None, Some("Bearer "), Some("Bearer sk_wrong"), Some("Bearer sk_testx"), Some("Basic sk_test")] {
            let mut call = reqwest::Client::new()
                .request(method.parse().unwrap(), format!("{}{path}", till.url))
                .header("Idempotency-Key", "k");
            if let Some(presented) = presented {
                call = call.header(AUTHORIZATION, presented);
            }
            let answer = call.json(&request(&shop)).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{method} {path} {presented:?}");
            assert_eq!(json(answer).await["code"], "unauthorized");
        }
    }
}

#[tokio::test]
async fn every_wrong_turn_has_its_problem() {
    let (till, shop) = (Till::open().await, Shop::open().await);
    let payment = till.payment(&shop).await;
    let body = request(&shop).to_string();
    let long_key = "k".repeat(256);
    let post = |key: &str, body: String| {
        till.post("/v1/payments").header("Idempotency-Key", key).header("content-type", "application/json").body(body)
    };
    let pay = |body: &'static str| {
        let form = "application/x-www-form-urlencoded";
        till.post(&format!("/pay/{payment}")).header("content-type", form).body(body)
    };
    let rows = [
        (till.post("/v1/payments").json(&request(&shop)), 400, "idempotency_key_invalid"),
        (post("", body.clone()), 400, "idempotency_key_invalid"),
        (post("a b", body.clone()), 400, "idempotency_key_invalid"),
        (post(&long_key, body.clone()), 400, "idempotency_key_invalid"),
        (post("k", "{".to_owned()), 400, "invalid_request"),
        (post("k", format!("{{\"description\": \"{}\"}}", "x".repeat(20_000))), 413, "too_large"),
        (till.post("/v1/payments").header("Idempotency-Key", "k").body(body), 415, "invalid_request"),
        (till.get("/v1/payments/pay_unknown"), 404, "not_found"),
        (till.get("/pay/pay_unknown"), 404, "not_found"),
        (till.get("/nowhere"), 404, "not_found"),
        (till.get("/v1/payments"), 405, "method_not_allowed"),
        (pay("card_number=4111111111111111"), 422, "unknown_card"),
        (pay("card_number=4242424242424242&tip=1"), 422, "invalid_request"),
        (pay("cvc=123"), 422, "invalid_request"),
    ];
    for (index, (call, status, code)) in rows.into_iter().enumerate() {
        let answer = call.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "row {index}");
        assert_eq!(json(answer).await["code"], code, "row {index}");
    }
    assert_eq!(till.look(&payment).await["status"], "open");
}

#[tokio::test]
async fn a_full_till_says_so_and_still_serves_what_it_has() {
    let config = SandboxConfig { payments_max: U32In::new(2).unwrap(), ..config() };
    let (till, shop) = (Till::with(config).await, Shop::open().await);
    for key in ["a", "b"] {
        assert_eq!(till.ask(key, &request(&shop)).await.status(), StatusCode::CREATED);
    }
    let third = till.ask("c", &request(&shop)).await;
    assert_eq!(third.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(third.headers().contains_key(RETRY_AFTER));
    assert_eq!(json(third).await["code"], "full");
    assert_eq!(till.ask("a", &request(&shop)).await.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn a_robot_that_guesses_cards_is_stopped() {
    let (till, shop) = (Till::open().await, Shop::open().await);
    let payment = till.payment(&shop).await;
    for _ in 0..20 {
        assert_eq!(till.pay(&payment, "4000000000000002").await.0, StatusCode::PAYMENT_REQUIRED);
    }
    let (status, problem): (StatusCode, Value) = till.pay(&payment, "4242424242424242").await;
    assert_eq!((status, &problem["code"]), (StatusCode::TOO_MANY_REQUESTS, &json!("too_many_declines")));
}
