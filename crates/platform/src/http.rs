//! Serving HTTP within bounds until the shutdown, and letting go of it in time.

mod lasting;

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    extract::{ConnectInfo, Request},
    middleware::AddExtension,
    response::Response,
};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
};
use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{self, Runtime},
    sync::Semaphore,
    task::JoinSet,
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tower::{Layer as _, Service, ServiceExt as _};

pub use self::lasting::Lasting;
use self::lasting::Lent;

/// Open connections. Beyond it new ones wait in the kernel's queue; without it streams would use up the process's files.
const CONNECTIONS_MAX: usize = 16_384;

/// A client that takes longer to send a request's headers, or is silent for longer between requests, is let go.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(30);

/// A silent HTTP/2 connection is asked for a sign of life after the first, and given up after the second on top.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// Requests at a time on one HTTP/2 connection.
const STREAMS_MAX: u32 = 1024;

/// A client that takes nothing of what waits for it for longer, or is not there any more, is let go.
const UNREAD_MAX: Duration = Duration::from_secs(30);

/// After a failed accept: most often the process is out of files, which passes.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Serves `router` on `listener` (HTTP/1.1 and HTTP/2) until `shutdown` is cancelled. Then no connection is taken, idle ones are
/// closed, and requests in flight get `drain` to finish before they are cut. Handlers find the caller's address in
/// `ConnectInfo<SocketAddr>`.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken, drain: Duration) -> io::Result<()> {
    serve_patiently(listener, move |peer| known_by(&router, peer), shutdown, drain, UNREAD_MAX).await
}

/// A router as [`serve`] serves it to who called from there.
pub fn known_by(router: &Router, peer: SocketAddr) -> AddExtension<Router, ConnectInfo<SocketAddr>> {
    Extension(ConnectInfo(peer)).layer(router.clone())
}

/// The same, of a service for each connection; clients are let go that leave something unread for `unread_max`.
pub async fn serve_patiently<S>(
    listener: TcpListener,
    service: impl Fn(SocketAddr) -> S,
    shutdown: CancellationToken,
    drain: Duration,
    unread_max: Duration,
) -> io::Result<()>
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static,
{
    let server = server();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place.map_err(io::Error::other)?,
            () = shutdown.cancelled() => break,
        };
        let (stream, peer) = tokio::select! {
            accepted = accept(&listener, unread_max) => accepted,
            () = shutdown.cancelled() => break,
        };
        let (lent, service) = (Lent::new(stream), service(peer));
        let answers = lent.clone();
        let answering = service_fn(move |request: Request<Incoming>| {
            let (may_last, answers) = (lasting::may_last(&request), answers.clone());
            let answered = service.clone().oneshot(request);
            async move { answered.await.map(|response| answers.answer(may_last, response)) }
        });
        let connection = server.serve_connection_with_upgrades(TokioIo::new(lent.clone()), answering);
        let connection = graceful.watch(connection.into_owned());
        connections.spawn(async move {
            if let Err(error) = lasting::serve(connection, lent).await {
                tracing::trace!(%peer, error, "connection ended");
            }
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let ended = async {
        graceful.shutdown().await;
        // What lasts ends by itself.
        while connections.join_next().await.is_some() {}
    };
    tokio::select! {
        () = ended => {}
        () = sleep(drain) => tracing::warn!(connections = connections.len(), "cutting connections that did not end in time"),
    }
    Ok(())
}

/// The same as [`serve`], of a service for each connection, on threads of its own. Whatever the handlers spawn on another runtime has that
/// one's turn, however many requests are read, refused and answered here.
pub async fn serve_apart<S>(
    listener: TcpListener,
    service: impl Fn(SocketAddr) -> S + Send + Sync + 'static,
    shutdown: CancellationToken,
    drain: Duration,
) -> io::Result<()>
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static,
{
    let listener = listener.into_std()?;
    let runtime = runtime::Builder::new_multi_thread().thread_name("http").enable_all().build()?;
    let serving = runtime
        .spawn(async move { serve_patiently(TcpListener::from_std(listener)?, service, shutdown, drain, UNREAD_MAX).await });
    let _apart = Apart(Some(runtime));
    serving.await.map_err(io::Error::other)?
}

/// A runtime that may be let go of anywhere: whatever still runs on it is dropped at its next await.
struct Apart(Option<Runtime>);

impl Drop for Apart {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn server() -> Builder<TokioExecutor> {
    let mut server = Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS_TIMEOUT);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    server
}

async fn accept(listener: &TcpListener, unread_max: Duration) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Small answers must not wait for the acknowledgement of earlier ones.
                let _ = stream.set_nodelay(true);
                // The kernel's own: whoever writes waits as long as the connection stands.
                let _ = SockRef::from(&stream).set_tcp_user_timeout(Some(unread_max));
                return (stream, peer);
            }
            Err(error) => {
                tracing::warn!(%error, "no connection can be taken");
                sleep(ACCEPT_RETRY).await;
            }
        }
    }
}
