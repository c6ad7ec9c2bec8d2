//! Serving ends when it is told to, after what is in flight.

use std::{sync::Arc, time::Duration};

use axum::{Router, routing::get};
use goticket_platform::http;
use tokio::{net::TcpListener, sync::Notify};
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
    tokio::time::timeout(SOON, server).await.unwrap().unwrap().unwrap();
    assert!(reqwest::get(format!("{url}/slow")).await.is_err(), "no new connection is taken");
    endless.abort();
}
