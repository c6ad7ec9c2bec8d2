//! Signals begin the shutdown.

use std::process::{self, Command};

use goticket_platform::shutdown::Shutdown;

use crate::SOON;

#[tokio::test]
async fn sigterm_begins_the_shutdown_and_what_is_in_flight_finishes() {
    let shutdown = Shutdown::on_signals().unwrap();
    let token = shutdown.token();
    let (finished, mut result) = tokio::sync::oneshot::channel();
    shutdown.spawn("worker", async move {
        token.cancelled().await;
        let _ = finished.send("the batch is committed");
    });
    let pid = process::id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    tokio::time::timeout(SOON, shutdown.token().cancelled()).await.unwrap();
    shutdown.drain(SOON).await.unwrap();
    assert_eq!(result.try_recv(), Ok("the batch is committed"));
}
