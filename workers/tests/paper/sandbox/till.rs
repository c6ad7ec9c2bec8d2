//! A sandbox that runs, and what merchants and fans say to it.

use std::net::SocketAddr;

use goticket_platform::config::{U32In, U64In};
use goticket_workers::sandbox::{SandboxConfig, serve};
use reqwest::header::ACCEPT;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::shop::Shop;

pub(super) const API_KEY: &str = "sk_test";
pub(super) const SECRET: &str = "whsec_new";
pub(super) const SECRET_BEFORE: &str = "whsec_old";

pub(super) struct Till {
    pub(super) url: String,
    pub(super) shutdown: CancellationToken,
    pub(super) served: JoinHandle<anyhow::Result<()>>,
    http: Client,
}

/// Milliseconds where production has seconds.
pub(super) fn config() -> SandboxConfig {
    let listen: SocketAddr = "127.0.0.1:0".parse().unwrap();
    SandboxConfig {
        listen,
        public_url: "http://127.0.0.1/".parse().unwrap(),
        api_key: API_KEY.into(),
        webhook_secret: SECRET.into(),
        webhook_secret_previous: Some(SECRET_BEFORE.into()),
        payments_max: U32In::new(100).unwrap(),
        webhook_concurrency: U32In::new(8).unwrap(),
        webhook_queue: U32In::new(64).unwrap(),
        webhook_timeout_ms: U64In::new(2_000).unwrap(),
        webhook_first_retry_ms: U64In::new(2).unwrap(),
        webhook_retry_max_ms: U64In::new(20).unwrap(),
        webhook_give_up_s: U64In::new(60).unwrap(),
        late_webhook_ms: U64In::new(200).unwrap(),
        request_timeout_ms: U64In::new(2_000).unwrap(),
    }
}

impl Till {
    pub(super) async fn open() -> Self {
        Self::with(config()).await
    }

    pub(super) async fn with(mut config: SandboxConfig) -> Self {
        let listener = TcpListener::bind(config.listen).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        config.public_url = url.parse().unwrap();
        let shutdown = CancellationToken::new();
        let served = tokio::spawn(serve(listener, config, shutdown.clone()));
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { url, shutdown, served, http }
    }

    pub(super) fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.url)).bearer_auth(API_KEY)
    }

    pub(super) fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.url)).bearer_auth(API_KEY)
    }

    pub(super) async fn ask(&self, key: &str, body: &Value) -> Response {
        self.post("/v1/payments").header("Idempotency-Key", key).json(body).send().await.unwrap()
    }

    /// An open payment of 49 euros, and its id.
    pub(super) async fn payment(&self, shop: &Shop) -> String {
        let answer = self.ask(&uuid::Uuid::now_v7().to_string(), &request(shop)).await;
        assert_eq!(answer.status(), StatusCode::CREATED);
        json(answer).await["id"].as_str().unwrap().to_owned()
    }

    /// As a program pays.
    pub(super) async fn pay(&self, payment: &str, card: &str) -> (StatusCode, Value) {
        let answer = self.card(payment, card).header(ACCEPT, "application/json").send().await.unwrap();
        (answer.status(), json(answer).await)
    }

    /// As a browser pays.
    pub(super) async fn pay_in_browser(&self, payment: &str, card: &str) -> Response {
        self.card(payment, card).header(ACCEPT, "text/html,application/xhtml+xml;q=0.9").send().await.unwrap()
    }

    pub(super) async fn refund(&self, payment: &str, key: &str, body: &Value) -> (StatusCode, Value) {
        let path = format!("/v1/payments/{payment}/refunds");
        let answer = self.post(&path).header("Idempotency-Key", key).json(body).send().await.unwrap();
        (answer.status(), json(answer).await)
    }

    pub(super) async fn look(&self, payment: &str) -> Value {
        json(self.get(&format!("/v1/payments/{payment}")).send().await.unwrap()).await
    }

    fn card(&self, payment: &str, card: &str) -> RequestBuilder {
        self.http.post(format!("{}/pay/{payment}", self.url)).form(&[("card_number", card)])
    }
}

pub(super) fn request(shop: &Shop) -> Value {
    json!({
        "amount_minor": 4_900,
        "currency": "EUR",
        "reference": "booking-1",
        "description": "2 tickets: Hamlet",
        "return_url": "https://shop.example/bookings/1?tab=pay",
        "webhook_url": shop.webhook_url(),
    })
}

/// The body, which is a problem document exactly when the answer is an error.
pub(super) async fn json(answer: Response) -> Value {
    let status = answer.status();
    let media_type = answer.headers()["content-type"].to_str().unwrap().to_owned();
    let body: Value = answer.json().await.unwrap();
    if status.is_success() {
        assert_eq!(media_type, "application/json");
    } else {
        assert_eq!(media_type, "application/problem+json");
        assert_eq!(body["status"], status.as_u16());
    }
    body
}
