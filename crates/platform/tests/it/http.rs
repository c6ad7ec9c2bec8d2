//! Serving ends when it is told to, after what is in flight; a client ends when it takes nothing.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use axum::{Router, body::Body, routing::get};
use bytes::Bytes;
use futures::stream;
use goticket_platform::http::{self, Limits};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Handle,
    sync::Notify,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::SOON;

#[tokio::test]
async fn a_request_in_flight_is_answered_and_an_endless_one_is_cut() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (begun, finish) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = {
        let (begun, finish) = (Arc::clone(&begun), Arc::clone(&finish));
        async move || {
            begun.notify_one();
            finish.notified().await;
            "done"
        }
    };
    let endless = {
        let begun = Arc::clone(&begun);
        async move || {
            begun.notify_one();
            std::future::pending::<()>().await;
        }
    };
    let router = Router::new().route("/slow", get(slow)).route("/endless", get(endless));
    let shutdown = CancellationToken::new();
    let server = tokio::spawn(http::serve(listener, router, shutdown.clone(), Duration::from_millis(300)));

    let slow = tokio::spawn(reqwest::get(format!("{url}/slow")));
    begun.notified().await;
    let endless = tokio::spawn(reqwest::get(format!("{url}/endless")));
    begun.notified().await;
    shutdown.cancel();
    finish.notify_one();
    assert_eq!(slow.await.unwrap().unwrap().text().await.unwrap(), "done");
    timeout(SOON, server).await.unwrap().unwrap().unwrap();
    assert!(reqwest::get(format!("{url}/slow")).await.is_err(), "no new connection is taken");
    endless.abort();
}

#[tokio::test]
async fn served_apart_requests_are_read_on_other_threads_than_ours() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let name = || thread::current().name().unwrap_or_default().to_owned();
    let ours = Handle::current();
    let both = async move || format!("{} {}", name(), ours.spawn(async move { name() }).await.unwrap());
    let shutdown = CancellationToken::new();
    let router = Router::new().route("/", get(both));
    let server = tokio::spawn(http::serve_apart(
        Limits::default(),
        listener,
        move |peer| http::known_by(&router, peer),
        shutdown.clone(),
        Duration::from_millis(300),
    ));
    assert_eq!(reqwest::get(&url).await.unwrap().text().await.unwrap(), format!("http {}", name()));
    shutdown.cancel();
    timeout(SOON, server).await.unwrap().unwrap().unwrap();
    assert!(reqwest::get(&url).await.is_err(), "no new connection is taken");
}

static CHUNK: [u8; 64 * 1024] = [0; 64 * 1024];

/// A body that is being sent.
struct Sent(Arc<AtomicUsize>);

impl Sent {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_let_go_and_one_that_reads_is_not() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bodies = Arc::new(AtomicUsize::new(0));
    let endless = {
        let bodies = Arc::clone(&bodies);
        async move || {
            let sent = Sent::new(&bodies);
            Body::from_stream(stream::repeat_with(move || {
                let _sent = &sent;
                Ok::<_, Infallible>(Bytes::from_static(&CHUNK))
            }))
        }
    };
    let (shutdown, limits) = (CancellationToken::new(), Limits { unread: Duration::from_secs(1), ..Limits::default() });
    let router = Router::new().route("/", get(endless));
    let service = move |peer| http::known_by(&router, peer);
    let server = tokio::spawn(http::serve_within(limits, listener, service, shutdown.clone(), Duration::ZERO));
    let ask = async || {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        client.read_u8().await.unwrap();
        client
    };
    let (idle, mut reading) = (ask().await, ask().await);
    assert_eq!(bodies.load(Ordering::Relaxed), 2);

    let mut taken = vec![0; CHUNK.len()];
    let let_go = async {
        while bodies.load(Ordering::Relaxed) == 2 {
            reading.read_exact(&mut taken).await.unwrap();
        }
    };
    timeout(SOON, let_go).await.unwrap();
    reading.read_exact(&mut taken).await.unwrap();
    assert_eq!(bodies.load(Ordering::Relaxed), 1, "the one that reads is still served");
    drop((idle, reading));
    shutdown.cancel();
    server.await.unwrap().unwrap();
}
