//! Bodies of answers on their way to the client.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::time::Instant;

use super::{
    meter::InWork,
    streams::{self, Stall},
};

/// Most that is handed to HTTP/2 at once: a frame. What is handed over waits there for the client to take it, where no one sees it.
const PIECE: usize = 16 * 1024;

/// A body whose request is in work until all of it is handed over.
pub(super) struct Answered {
    body: Body,
    /// Of a chunk that is handed over in pieces.
    rest: Bytes,
    /// In HTTP/2, where many share a connection: its own clock.
    stall: Option<Arc<Stall>>,
    _in_work: InWork,
}

impl Answered {
    pub(super) fn new(body: Body, in_work: InWork) -> Self {
        let stall = streams::current();
        if let Some(stall) = &stall {
            stall.given(Instant::now());
        }
        Self { body, rest: Bytes::new(), stall, _in_work: in_work }
    }

    fn piece(&mut self) -> Bytes {
        let len = self.rest.len().min(PIECE);
        self.rest.split_to(len)
    }
}

impl HttpBody for Answered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let Some(stall) = this.stall.clone() else { return Pin::new(&mut this.body).poll_frame(cx) };
        stall.asked();
        if this.rest.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_frame(cx)).map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => this.rest = data,
                Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        stall.given(Instant::now());
        Poll::Ready(Some(Ok(Frame::data(this.piece()))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, body) = (self.rest.len() as u64, self.body.size_hint());
        let mut all = SizeHint::new();
        all.set_lower(body.lower() + rest);
        if let Some(upper) = body.upper() {
            all.set_upper(upper + rest);
        }
        all
    }
}
