//! A shop's webhook receiver on a real socket. It checks every signature, and answers what it was told to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use goticket_testkit::eventually;
use goticket_workers::sandbox::signature::{HEADER, TOLERANCE_S};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::sync::Barrier;
use tokio::time::Instant;

use super::till::{SECRET, SECRET_BEFORE};

pub(super) const SOON: Duration = Duration::from_secs(20);

/// What the receiver does with the next delivery.
pub(super) enum Answer {
    Status(u16),
    /// Never: the sender must lose patience.
    Silence,
}

#[derive(Clone)]
pub(super) struct Delivery {
    pub(super) at: Instant,
    pub(super) body: Bytes,
}

impl Delivery {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Clone)]
pub(super) struct Shop {
    address: SocketAddr,
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    deliveries: Mutex<Vec<Delivery>>,
    /// Answers in order; afterwards 200.
    script: Mutex<VecDeque<Answer>>,
    /// Every delivery waits here until so many are there at once.
    together: Option<Barrier>,
}

impl Shop {
    pub(super) async fn open() -> Self {
        Self::listening(TcpListener::bind("127.0.0.1:0").await.unwrap(), Inner::default())
    }

    pub(super) async fn answering(script: impl IntoIterator<Item = Answer>) -> Self {
        let script = Mutex::new(script.into_iter().collect());
        Self::listening(TcpListener::bind("127.0.0.1:0").await.unwrap(), Inner { script, ..Inner::default() })
    }

    /// Answers only when `count` deliveries are there at the same time.
    pub(super) async fn answering_together(count: usize) -> Self {
        let together = Some(Barrier::new(count));
        Self::listening(TcpListener::bind("127.0.0.1:0").await.unwrap(), Inner { together, ..Inner::default() })
    }

    /// Has an address, and nobody there.
    pub(super) async fn closed() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { address: listener.local_addr().unwrap(), inner: Arc::default() }
    }

    /// Somebody comes to a closed shop's address.
    pub(super) async fn reopen(self) -> Self {
        Self::listening(TcpListener::bind(self.address).await.unwrap(), Inner::default())
    }

    fn listening(listener: TcpListener, inner: Inner) -> Self {
        let shop = Self { address: listener.local_addr().unwrap(), inner: Arc::new(inner) };
        let routes = Router::new().route("/webhook", post(receive)).with_state(shop.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        shop
    }

    pub(super) fn webhook_url(&self) -> String {
        format!("http://{}/webhook", self.address)
    }

    pub(super) fn deliveries(&self) -> Vec<Delivery> {
        self.inner.deliveries.lock().unwrap().clone()
    }

    /// When at least `count` have come.
    pub(super) async fn received(&self, count: usize) -> Vec<Delivery> {
        let what = format!("{count} webhooks");
        eventually(&what, SOON, async || Some(self.deliveries()).filter(|all| all.len() >= count)).await
    }
}

async fn receive(State(shop): State<Shop>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if !signed(&headers, &body) {
        return StatusCode::UNAUTHORIZED;
    }
    let answer = {
        shop.inner.deliveries.lock().unwrap().push(Delivery { at: Instant::now(), body });
        shop.inner.script.lock().unwrap().pop_front()
    };
    if let Some(barrier) = &shop.inner.together {
        barrier.wait().await;
    }
    match answer {
        None => StatusCode::OK,
        Some(Answer::Status(code)) => StatusCode::from_u16(code).unwrap(),
        Some(Answer::Silence) => std::future::pending().await,
    }
}

/// As the contract tells receivers to verify, written a second time.
fn signed(headers: &HeaderMap, body: &[u8]) -> bool {
    let header = headers[HEADER].to_str().unwrap();
    let mut parts = header.split(',').map(|part| part.split_once('=').unwrap());
    let ("t", time) = parts.next().unwrap() else { return false };
    let age = time.parse::<i64>().unwrap().abs_diff(jiff::Timestamp::now().as_second());
    let signatures: Vec<&str> = parts.map(|(name, value)| if name == "v1" { value } else { "" }).collect();
    let expected = |secret: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{time}.").as_bytes());
        mac.update(body);
        hex::encode(mac.finalize().into_bytes())
    };
    age <= TOLERANCE_S && signatures == [expected(SECRET), expected(SECRET_BEFORE)]
}
