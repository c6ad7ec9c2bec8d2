//! Serving HTTP within bounds until the shutdown, and letting go of it in time.

mod answered;
mod connections;
mod lasting;
mod limits;
mod meter;
mod network;
mod pace;
mod streams;

use std::{convert::Infallible, future, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    extract::{ConnectInfo, Request},
    middleware::AddExtension,
    response::Response,
};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{self, Runtime},
    task::JoinSet,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use tower::{Layer as _, Service, ServiceExt as _};

use self::{connections::Connections, lasting::Lent, meter::Meter, streams::Streams};
pub use self::{lasting::Lasting, limits::Limits, pace::Pace};

/// A silent HTTP/2 connection is asked for a sign of life after the first, and given up after the second on top. Signs of life do not keep
/// a connection on which nothing is asked.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// hyper takes no less.
const BUFFER_MIN: usize = 8 * 1024;

/// After a failed accept: most often the process is out of files, which passes.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Serves `router` on `listener` (HTTP/1.1 and HTTP/2) until `shutdown` is cancelled. Then no connection is taken, idle ones are
/// closed, and requests in flight get `drain` to finish before they are cut. Handlers find the caller's address in
/// `ConnectInfo<SocketAddr>`.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken, drain: Duration) -> io::Result<()> {
    serve_within(Limits::default(), listener, move |peer| known_by(&router, peer), shutdown, drain).await
}

/// A router as [`serve`] serves it to who called from there.
pub fn known_by(router: &Router, peer: SocketAddr) -> AddExtension<Router, ConnectInfo<SocketAddr>> {
    Extension(ConnectInfo(peer)).layer(router.clone())
}

/// The same, of a service for each connection, within these limits.
pub async fn serve_within<S>(
    limits: Limits,
    listener: TcpListener,
    service: impl Fn(SocketAddr) -> S,
    shutdown: CancellationToken,
    drain: Duration,
) -> io::Result<()>
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static,
{
    let server = server(&limits);
    let open = Arc::new(Connections::new(limits));
    let mut connections = JoinSet::new();
    loop {
        let (stream, peer) = tokio::select! {
            accepted = accept(&listener, &open, &limits) => accepted,
            () = shutdown.cancelled() => break,
        };
        let meter = Arc::new(Meter::new(limits, Instant::now()));
        // After it is accepted: whoever waits for a place here would keep all others out, and cannot be told from them.
        let Some(place) = open.admit(peer, &meter) else { continue };
        let id = place.id();
        let (lent, service) = (Lent::new(stream, place, Arc::clone(&meter)), service(peer));
        let answers = lent.clone();
        let answering = service_fn(move |request: Request<Incoming>| {
            let (may_last, in_work) = (lasting::may_last(&request), meter.begin());
            let (answers, answered) = (answers.clone(), service.clone().oneshot(request));
            async move {
                // The connection gives way to another one, and is about to be dropped.
                let Some(in_work) = in_work else { return future::pending().await };
                answered.await.map(|response| answers.answer(may_last, response, in_work))
            }
        });
        let connection = server.serve_connection_with_upgrades(TokioIo::new(lent.clone()), answering).into_owned();
        let ending = shutdown.clone();
        let task = connections.spawn(async move {
            if let Err(error) = lasting::serve(connection, lent, ending).await {
                tracing::trace!(%peer, error, "connection ended");
            }
        });
        open.served_by(id, task);
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    // What lasts ends by itself.
    let ended = async { while connections.join_next().await.is_some() {} };
    tokio::select! {
        () = ended => {}
        () = sleep(drain) => tracing::warn!(connections = connections.len(), "cutting connections that did not end in time"),
    }
    Ok(())
}

/// The same, on threads of its own. Whatever the handlers spawn on another runtime has that one's turn, however many requests are read,
/// refused and answered here.
pub async fn serve_apart<S>(
    limits: Limits,
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
    let serving =
        runtime.spawn(async move { serve_within(limits, TcpListener::from_std(listener)?, service, shutdown, drain).await });
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

fn server(limits: &Limits) -> Builder<Streams> {
    let mut server = Builder::new(Streams { patience: limits.unread });
    let head_bytes = usize::try_from(limits.head_bytes_max).unwrap_or(usize::MAX);
    // Each connection is timed as a whole, from before its protocol is known.
    server.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(head_bytes.max(BUFFER_MIN));
    server
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams_max)
        .max_header_list_size(limits.head_bytes_max)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    server
}

async fn accept(listener: &TcpListener, open: &Connections, limits: &Limits) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Small answers must not wait for the acknowledgement of earlier ones.
                let _ = stream.set_nodelay(true);
                // The kernel's own, for what it has taken from us: whoever writes waits as long as the connection stands.
                let _ = SockRef::from(&stream).set_tcp_user_timeout(Some(limits.unread));
                return (stream, peer);
            }
            Err(error) => {
                tracing::warn!(%error, "no connection can be taken");
                open.make_room();
                sleep(ACCEPT_RETRY).await;
            }
        }
    }
}
