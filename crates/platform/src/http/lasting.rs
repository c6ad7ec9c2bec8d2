//! Answers that last: events that come one by one, for minutes, to thousands who read nothing else on their connections.
//!
//! hyper keeps two buffers of 8 KiB for each connection, for requests that will come and heads that will be written, and more beside them.
//! On the connection of an answer that lasts nothing of that is of use any more: once its head is written hyper is let go of, and the body is
//! sent from here, a chunk for each of its frames (RFC 9112, section 7.1). The connection ends with it, as its head says.

use std::{
    io::{self, IoSlice},
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use axum::{
    BoxError,
    body::{Body, Bytes, HttpBody as _},
    http::{self, HeaderValue, Method, Request, Version, header},
    response::Response,
};
use futures::{future, stream};
use hyper::{body::Incoming, service::HttpService};
use hyper_util::{
    rt::TokioIo,
    server::conn::auto::{HttpServerConnExec, UpgradeableConnection},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    answered::Answered,
    connections::Place,
    meter::{InWork, Late, Meter, Verdict},
    pace::Pace,
};

/// An extension of a response: its body lasts. Without meaning where a connection carries more than this answer, e.g. in HTTP/2.
#[derive(Clone, Copy, Debug)]
pub struct Lasting;

/// A connection, lent to hyper for as long as requests are read from it.
#[derive(Clone)]
pub(super) struct Lent {
    meter: Arc<Meter>,
    loan: Arc<Mutex<Loan>>,
}

struct Loan {
    /// For as long as the connection is open, whoever has it.
    place: Option<Place>,
    /// None after it was given back.
    stream: Option<TcpStream>,
    /// What is to be sent after the head that is written last.
    body: Option<Body>,
    /// The head is written.
    flushed: bool,
}

impl Lent {
    pub(super) fn new(stream: TcpStream, place: Place, meter: Arc<Meter>) -> Self {
        let loan = Loan { place: Some(place), stream: Some(stream), body: None, flushed: false };
        Self { meter, loan: Arc::new(Mutex::new(loan)) }
    }

    /// Whoever still has it, e.g. what answers a stream of HTTP/2, has a connection that is closed.
    fn close(&self, late: Late) {
        let stream = self.loan().stream.take();
        if let Some(stream) = stream.filter(|_| late == Late::Unread) {
            reset(&stream);
        }
    }

    /// Never held while anything is waited for.
    fn loan(&self) -> MutexGuard<'_, Loan> {
        self.loan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stream<T>(&self, poll: impl FnOnce(Pin<&mut TcpStream>) -> Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match self.loan().stream.as_mut() {
            Some(stream) => poll(Pin::new(stream)),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    /// What hyper is to answer: all of it, or only the head of what lasts.
    pub(super) fn answer(&self, may_last: bool, response: Response, in_work: InWork) -> http::Response<Answered> {
        if !may_last || response.extensions().get::<Lasting>().is_none() {
            return response.map(|body| Answered::new(body, in_work));
        }
        let (mut parts, body) = response.into_parts();
        parts.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        let mut loan = self.loan();
        (loan.body, loan.flushed) = (Some(body), false);
        // Never ends, so that nothing is written after the head.
        let pending = Body::from_stream(stream::pending::<Result<Bytes, io::Error>>());
        http::Response::from_parts(parts, Answered::new(pending, in_work))
    }

    /// What lasts, once its head is written.
    fn give_back(&self) -> Option<Last> {
        let mut loan = self.loan();
        if !loan.flushed {
            return None;
        }
        let body = loan.body.take()?;
        let (stream, place) = (loan.stream.take()?, loan.place.take());
        self.meter.lasts();
        Some(Last { stream, body, _place: place, meter: Arc::clone(&self.meter) })
    }
}

/// A connection and what is to be sent on it, to its end.
struct Last {
    stream: TcpStream,
    body: Body,
    _place: Option<Place>,
    meter: Arc<Meter>,
}

/// Whether its answer may have the connection for itself, in chunks.
pub(super) fn may_last<B>(request: &Request<B>) -> bool {
    request.version() == Version::HTTP_11 && request.method() == Method::GET
}

/// What hyper serves, and can be asked to end: after the answers that are due.
pub(super) trait Served: Future<Output = Result<(), BoxError>> {
    fn end(self: Pin<&mut Self>);
}

impl<S, E> Served for UpgradeableConnection<'static, TokioIo<Lent>, S, E>
where
    Self: Future<Output = Result<(), BoxError>>,
    S: HttpService<Incoming, ResBody = Answered>,
    S::Future: 'static,
    S::Error: Into<BoxError>,
    E: HttpServerConnExec<S::Future, Answered>,
{
    fn end(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// How hyper's part of a connection went.
enum Part {
    Ended(Result<(), BoxError>),
    Late(Late),
    Lasts(Last),
}

/// Serves a connection by hyper, within its time, and sends what lasts by itself.
pub(super) async fn serve(connection: impl Served, lent: Lent, shutdown: CancellationToken) -> Result<(), BoxError> {
    // On the heap: whoever is sent something that lasts needs it no more.
    let part = Box::pin(by_hyper(connection, lent, shutdown)).await;
    match part {
        Part::Ended(ended) => ended,
        Part::Late(late) => {
            metrics::counter!("http_connections_ended_total", "why" => late.as_str()).increment(1);
            Ok(())
        }
        Part::Lasts(last) => Ok(send(last).await?),
    }
}

async fn by_hyper(connection: impl Served, lent: Lent, shutdown: CancellationToken) -> Part {
    let mut connection = pin!(connection);
    let mut shutdown = pin!(shutdown.cancelled_owned());
    let mut is_told = false;
    let mut timer = pin!(sleep_until(Instant::now() + lent.meter.limits().shortest()));
    future::poll_fn(|cx| {
        if !is_told && shutdown.as_mut().poll(cx).is_ready() {
            is_told = true;
            connection.as_mut().end();
        }
        while timer.as_mut().poll(cx).is_ready() {
            match lent.meter.look(Instant::now()) {
                Verdict::Wait(until) => timer.as_mut().reset(until),
                Verdict::End => connection.as_mut().end(),
                Verdict::Cut(late) => {
                    lent.close(late);
                    return Poll::Ready(Part::Late(late));
                }
            }
        }
        match connection.as_mut().poll(cx) {
            Poll::Ready(ended) => Poll::Ready(Part::Ended(ended)),
            Poll::Pending => lent.give_back().map_or(Poll::Pending, |last| Poll::Ready(Part::Lasts(last))),
        }
    })
    .await
}

/// Until the body ends, or no one reads it any more. While a reader takes nothing, no more is asked of the body.
async fn send(last: Last) -> io::Result<()> {
    let Last { mut stream, mut body, _place, meter } = last;
    {
        let mut gone = pin!(is_gone(&stream));
        loop {
            let frame = tokio::select! {
                frame = future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)) => frame,
                () = &mut gone => return Ok(()),
            };
            match frame {
                Some(frame) => {
                    if let Ok(data) = frame.map_err(io::Error::other)?.into_data() {
                        send_chunk(&stream, &data, &meter).await?;
                    }
                }
                None => break,
            }
        }
        write_all(&stream, &mut [IoSlice::new(b"0\r\n\r\n")], &meter).await?;
    }
    stream.shutdown().await
}

/// An empty one would be the end.
async fn send_chunk(stream: &TcpStream, data: &[u8], meter: &Meter) -> io::Result<()> {
    if data.is_empty() {
        return Ok(());
    }
    let size = format!("{:x}\r\n", data.len());
    write_all(stream, &mut [IoSlice::new(size.as_bytes()), IoSlice::new(data), IoSlice::new(b"\r\n")], meter).await
}

/// At the pace at which everybody has to take something.
async fn write_all(stream: &TcpStream, mut left: &mut [IoSlice<'_>], meter: &Meter) -> io::Result<()> {
    let mut pace: Option<Pace> = None;
    while !left.is_empty() {
        match stream.try_write_vectored(left) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                IoSlice::advance_slices(&mut left, written);
                if let Some(pace) = &mut pace {
                    pace.moved(Instant::now(), written);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let limits = meter.limits();
                let begin = || Pace::begin(Instant::now(), limits.unread, limits.bytes_per_s);
                let deadline = pace.get_or_insert_with(begin).deadline();
                let Ok(writable) = timeout_at(deadline, stream.writable()).await else {
                    metrics::counter!("http_connections_ended_total", "why" => Late::Unread.as_str()).increment(1);
                    reset(stream);
                    return Err(io::ErrorKind::TimedOut.into());
                };
                writable?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Once it is dropped: the kernel would go on offering what it holds to a client that takes nothing, and hold it.
fn reset(stream: &TcpStream) {
    // It may be closed already.
    let _ = stream.set_zero_linger();
}

/// Returns when the reader has ended the connection. What they send meanwhile is not read: whoever sends something is noticed to be gone by
/// what they do not take.
async fn is_gone(stream: &TcpStream) {
    loop {
        if stream.readable().await.is_err() {
            return;
        }
        match stream.try_read(&mut [0]) {
            Ok(1..) => return future::pending().await,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(0) | Err(_) => return,
        }
    }
}

impl AsyncRead for Lent {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(self.stream(|stream| stream.poll_read(cx, into)))?;
        self.meter.read(&into.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl Lent {
    /// The client takes what is written, or does not.
    fn measured(&self, write: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &write {
            Poll::Ready(Ok(written)) => self.meter.wrote(*written),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.meter.blocked(),
        }
        write
    }
}

impl AsyncWrite for Lent {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.measured(self.stream(|stream| stream.poll_write(cx, bytes)))
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.measured(self.stream(|stream| stream.poll_write_vectored(cx, bytes)))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// hyper flushes when it has written everything.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.stream(|stream| stream.poll_flush(cx)))?;
        self.meter.flushed();
        self.loan().flushed = true;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream(|stream| stream.poll_shutdown(cx))
    }
}
