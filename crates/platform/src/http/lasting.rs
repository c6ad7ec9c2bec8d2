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
    http::{HeaderValue, Method, Request, Version, header},
    response::Response,
};
use futures::{future, stream};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
};

/// An extension of a response: its body lasts. Without meaning where a connection carries more than this answer, e.g. in HTTP/2.
#[derive(Clone, Copy, Debug)]
pub struct Lasting;

/// A connection, lent to hyper for as long as requests are read from it.
#[derive(Clone)]
pub(super) struct Lent(Arc<Mutex<Loan>>);

struct Loan {
    /// None after it was given back.
    stream: Option<TcpStream>,
    /// What is to be sent after the head that is written last.
    body: Option<Body>,
    /// The head is written.
    flushed: bool,
}

impl Lent {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self(Arc::new(Mutex::new(Loan { stream: Some(stream), body: None, flushed: false })))
    }

    /// Never held while anything is waited for.
    fn loan(&self) -> MutexGuard<'_, Loan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stream<T>(&self, poll: impl FnOnce(Pin<&mut TcpStream>) -> Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match self.loan().stream.as_mut() {
            Some(stream) => poll(Pin::new(stream)),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    /// What hyper is to answer: all of it, or only the head of what lasts.
    pub(super) fn answer(&self, may_last: bool, response: Response) -> Response {
        if !may_last || response.extensions().get::<Lasting>().is_none() {
            return response;
        }
        let (mut parts, body) = response.into_parts();
        parts.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        let mut loan = self.loan();
        (loan.body, loan.flushed) = (Some(body), false);
        // Never ends, so that nothing is written after the head.
        Response::from_parts(parts, Body::from_stream(stream::pending::<Result<Bytes, io::Error>>()))
    }

    /// The connection and the body to be sent on it, once its head is written.
    fn give_back(&self) -> Option<(TcpStream, Body)> {
        let mut loan = self.loan();
        if !loan.flushed {
            return None;
        }
        let body = loan.body.take()?;
        Some((loan.stream.take()?, body))
    }
}

/// Whether its answer may have the connection for itself, in chunks.
pub(super) fn may_last<B>(request: &Request<B>) -> bool {
    request.version() == Version::HTTP_11 && request.method() == Method::GET
}

/// Serves a connection by hyper, and sends what lasts by itself.
pub(super) async fn serve(connection: impl Future<Output = Result<(), BoxError>>, lent: Lent) -> Result<(), BoxError> {
    // On the heap: whoever is sent something that lasts needs it no more.
    let mut connection = Box::pin(connection);
    let served = future::poll_fn(|cx| match connection.as_mut().poll(cx) {
        Poll::Ready(ended) => Poll::Ready(Err(ended)),
        Poll::Pending => lent.give_back().map_or(Poll::Pending, |back| Poll::Ready(Ok(back))),
    });
    match served.await {
        Err(ended) => ended,
        Ok((stream, body)) => {
            drop((connection, lent));
            Ok(send(stream, body).await?)
        }
    }
}

/// Until the body ends, or no one reads it any more. While a reader takes nothing, no more is asked of the body.
async fn send(mut stream: TcpStream, mut body: Body) -> io::Result<()> {
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
                        send_chunk(&stream, &data).await?;
                    }
                }
                None => break,
            }
        }
        write_all(&stream, &mut [IoSlice::new(b"0\r\n\r\n")]).await?;
    }
    stream.shutdown().await
}

/// An empty one would be the end.
async fn send_chunk(stream: &TcpStream, data: &[u8]) -> io::Result<()> {
    if data.is_empty() {
        return Ok(());
    }
    let size = format!("{:x}\r\n", data.len());
    write_all(stream, &mut [IoSlice::new(size.as_bytes()), IoSlice::new(data), IoSlice::new(b"\r\n")]).await
}

async fn write_all(stream: &TcpStream, mut left: &mut [IoSlice<'_>]) -> io::Result<()> {
    while !left.is_empty() {
        stream.writable().await?;
        match stream.try_write_vectored(left) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut left, written),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
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
        self.stream(|stream| stream.poll_read(cx, into))
    }
}

impl AsyncWrite for Lent {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stream(|stream| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.stream(|stream| stream.poll_write_vectored(cx, bytes))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// hyper flushes when it has written everything.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.stream(|stream| stream.poll_flush(cx)))?;
        self.loan().flushed = true;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream(|stream| stream.poll_shutdown(cx))
    }
}
